// An echo node that reads and writes lines with the C library and blocks in fgets.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// text returns the text between a key and the next quote.
static char *text(char *line, const char *key, char *to, size_t size) {
	char *at = strstr(line, key);
	to[0] = 0;
	if (at != NULL) {
		snprintf(to, size, "%s", at + strlen(key));
		to[strcspn(to, "\"")] = 0;
	}
	return to;
}

int main(void) {
	static char line[1 << 16], src[256], dest[256], type[256];
	while (fgets(line, sizeof line, stdin) != NULL) {
		char *id = strstr(line, "\"msg_id\":");
		if (id == NULL) {
			fprintf(stderr, "no msg_id: %s", line);
			exit(4);
		}
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		printf("{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{\"type\":\"%s_ok\",\"in_reply_to\":%d,\"ms\":%ld}}\n",
			text(line, "\"dest\":\"", dest, sizeof dest), text(line, "\"src\":\"", src, sizeof src),
			text(line, "\"type\":\"", type, sizeof type), atoi(id + 9),
			(long)(now.tv_sec * 1000 + now.tv_nsec / 1000000));
		fflush(stdout);
	}
	return 0;
}
