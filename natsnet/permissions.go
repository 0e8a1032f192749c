package natsnet

import "strings"

// Permissions are the subjects that a node may use.
type Permissions struct{ Publish, Subscribe []string }

// PermissionsOf returns the permissions that a node needs. With them it can speak only
// as itself and receives only what is for it. The command eddy join also keeps a lease of the
// node's name, in the bucket [LeaseBucket].
func PermissionsOf(cluster, node string) Permissions {
	s := subjects{cluster}
	bucket, key := LeaseBucket(cluster), Token(node)
	return Permissions{
		Publish: []string{
			prefix + Token(cluster) + ".*." + Token(node),
			"$JS.API.INFO", "$JS.API.STREAM.INFO.KV_" + bucket, "$JS.API.STREAM.CREATE.KV_" + bucket,
			"$JS.API.DIRECT.GET.KV_" + bucket + ".$KV." + bucket + "." + key,
			"$KV." + bucket + "." + key,
		},
		Subscribe: []string{s.to(node), s.replies(node), LeaseInbox(cluster, node) + ".>"},
	}
}

// LeaseBucket returns the name of the bucket of JetStream that says which process acts under
// which name in a cluster.
func LeaseBucket(cluster string) string { return BucketOf(cluster, "leases") }

// BucketOf returns the name of a bucket of JetStream that belongs to a cluster. A bucket's name
// may have fewer characters than a subject: letters, digits and '-' of the cluster's name stay as
// they are, and every other byte becomes '_' and two hexadecimal digits.
func BucketOf(cluster, purpose string) string {
	return "eddy-" + strings.NewReplacer("_", "_5f", "=", "_").Replace(Token(cluster)) + "-" + purpose
}

// LeaseInbox returns the prefix of the subjects on which a node gets replies about its lease.
func LeaseInbox(cluster, node string) string {
	return inboxes + "eddy-leases." + Token(cluster) + "." + Token(node)
}
