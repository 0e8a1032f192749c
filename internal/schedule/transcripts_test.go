package schedule

// transcripts are calls: what happens, and what the schedule decides.
var transcripts = []struct {
	name   string
	policy string
	start  Start
	lines  string
}{
	{"three timeouts", `{}`, Start{}, `
			0 begin      send never
			5 written    wait 505
			505 due      send never
			505 written  wait 1005
			900 due      wait 1005
			1005 due     send never
			1010 written wait 1510
			1510 due     give up, attempts used up`},
	{"a late reply", `{}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     send never
			550 reply 1 settle`},
	{"a late reply, ignored", `{"late":"ignore"}`, Start{}, `
			0 begin      send never
			0 written    wait 500
			500 due      send never
			520 reply 1  wait never
			550 written  wait 1050
			600 reply 1  wait 1050
			700 reply 2  settle`},
	{"no policy", `null`, Start{}, `
			0 begin        send never
			0 written      wait 500
			10 error 1 11  give up, error not retried`},
	{"the last timeout is longer", `{"attempts":2,"last_timeout":"2s"}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     send never
			500 written wait 2500
			2500 due    give up, attempts used up`},
	{"hedge", `{"attempts":2,"hedge":"50ms","timeout":"1s"}`, Start{}, `
			0 begin    send never
			0 written  wait 50
			50 due     send never
			50 written wait 1050
			60 reply 1 settle`},
	{"the deadline ends the last timeout", `{"deadline":"700ms"}`, Start{}, `
			0 begin     send 700
			0 written   wait 500
			500 due     send 700
			500 written wait 700
			700 due     give up, deadline passed`},
	{"no attempt begins at the deadline", `{"deadline":"500ms"}`, Start{}, `
			0 begin     send 500
			0 written   wait 500
			500 due     give up, deadline passed`},
	{"the attempt is not written out before the deadline", `{"deadline":"500ms"}`, Start{}, `
			0 begin     send 500
			500 due     give up, deadline passed`},
	{"the context's deadline is earlier", `{"deadline":"1s"}`, Start{Deadline: 300 * ms}, `
			100 begin   send 300
			100 written wait 300`},
	{"the deadline has passed", `{}`, Start{Deadline: 300 * ms}, `
			300 begin   give up, deadline passed`},
	{"a pause that would pass the deadline is not begun", `{"deadline":"600ms","backoff":{"kind":"constant"}}`, Start{}, `
			0 begin     send 600
			0 written   wait 500
			500 due     wait 600, deadline passed
			550 reply 1 settle`},
	{"the same, and there is no late reply", `{"deadline":"600ms","backoff":{"kind":"constant"}}`, Start{}, `
			0 begin     send 600
			0 written   wait 500
			500 due     wait 600, deadline passed
			600 due     give up, deadline passed`},
	{"the same, and late replies are ignored", `{"deadline":"600ms","backoff":{"kind":"constant"},"late":"ignore"}`, Start{}, `
			0 begin     send 600
			0 written   wait 500
			500 due     give up, deadline passed`},
	{"pauses", `{"attempts":2,"backoff":{"kind":"exponential","base":"100ms"}}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     pause 600
			600 due     send never
			600 written wait 1100
			1100 due    give up, attempts used up`},
	{"a reply during a pause", `{"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     pause 600
			550 reply 1 settle`},
	{"a reply during a pause, ignored", `{"backoff":{"kind":"constant"},"late":"ignore"}`, Start{}, `
			0 begin     send never
			0 written   wait 500
			500 due     pause 600
			550 reply 1 pause 600`},
	{"an error that is retried", `{"attempts":2,"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			10 error 1 11  send never
			10 written     wait 510
			20 error 2 11  give up, attempts used up`},
	{"an error that is not", `{"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			10 error 1 22  give up, error not retried`},
	{"a retried error of an earlier attempt", `{"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			510 error 1 11 wait 1000
			520 error 2 11 send never`},
	{"a retried error, while another attempt may still be answered", `{"attempts":2,"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			520 error 2 11 wait 1000, attempts used up
			600 error 1 11 give up, attempts used up`},
	{"the same, and it is not answered", `{"attempts":2,"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			520 error 2 11 wait 1000, attempts used up
			999 due        wait 1000, attempts used up
			1000 due       give up, attempts used up`},
	{"pushback", `{"retry_on":[11],"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin           send never
			0 written         wait 500
			10 error 1 11 300 pause 310
			310 due           send never
			310 written       wait 810
			320 error 2 11 50 pause 420`},
	{"pushback is limited", `{"retry_on":[11],"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin             send never
			0 written           wait 500
			10 error 1 11 60000 pause 5110`},
	{"pushback without backoff", `{"retry_on":[11]}`, Start{}, `
			0 begin             send never
			0 written           wait 500
			10 error 1 11 60000 pause 5010`},
	{"pushback past the deadline", `{"retry_on":[11],"deadline":"2s"}`, Start{}, `
			0 begin            send 2000
			0 written          wait 500
			10 error 1 11 3000 give up, deadline passed`},
	{"pushback during a pause", `{"retry_on":[11],"backoff":{"kind":"constant"}}`, Start{}, `
			0 begin            send never
			0 written          wait 500
			500 due            pause 600
			510 error 1 11     pause 600
			600 due            send never`},
	{"pushback makes a pause longer", `{"retry_on":[11],"backoff":{"kind":"constant"},"deadline":"2s"}`, Start{}, `
			0 begin            send 2000
			0 written          wait 500
			500 due            pause 600
			510 error 1 11 300 pause 810
			810 due            send 2000`},
	{"pushback makes a pause too long", `{"retry_on":[11],"backoff":{"kind":"constant"},"deadline":"2s"}`, Start{}, `
			0 begin             send 2000
			0 written           wait 500
			500 due             pause 600
			510 error 1 11 3000 give up, deadline passed`},
	{"propagate: an indefinite error waits for the others", `{"propagate":true}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			510 error 2 0  wait 1000
			600 reply 1    settle`},
	{"propagate: an indefinite error to the only attempt", `{"propagate":true}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			10 error 1 0   give up, error not retried`},
	{"propagate: a definite error", `{"propagate":true}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			510 error 2 22 give up, error not retried`},
	{"propagate: a retried error after an indefinite one", `{"propagate":true,"retry_on":[11]}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        send never
			500 written    wait 1000
			510 error 2 13 wait 1000
			520 error 1 11 send never`},
	{"propagate: no retry on behalf of a retry", `{"propagate":true,"last_timeout":"700ms"}`, Start{OnBehalfOfRetry: true}, `
			0 begin     send never
			0 written   wait 700
			700 due     give up, attempts used up`},
	{"no propagate: a retry on behalf of a retry", `{}`, Start{OnBehalfOfRetry: true}, `
			0 begin     send never
			0 written   wait 500
			500 due     send never`},
	{"adaptive without a destination", `{"adaptive":{}}`, Start{}, `
			0 begin     send never
			0 written   wait 500`},
	{"adaptive, last timeout", `{"attempts":1,"adaptive":{},"last_timeout":"3s"}`, Start{}, `
			0 begin     send never
			0 written   wait 3000`},
	{"adaptive, the last attempt", `{"attempts":1,"adaptive":{}}`, Start{Dest: &Destination{}}, `
			0 begin     send never
			0 written   wait 500
			500 due     give up, attempts used up
			500 begin   send never
			500 written wait 1500`},
	{"adaptive, hedged", `{"attempts":2,"adaptive":{},"hedge":"100ms"}`, Start{Dest: &Destination{}}, `
			0 begin     send never
			0 written   wait 100
			100 due     send never
			100 written wait 600
			200 reply 2 settle
			200 begin   send never
			200 written wait 300
			300 due     send never
			300 written wait 600`},
	{"adaptive learns from late replies that are ignored", `{"adaptive":{},"late":"ignore"}`, Start{Dest: &Destination{}}, `
			0 begin      send never
			0 written    wait 500
			500 due      send never
			500 written  wait 1500
			600 reply 1  wait 1500
			700 reply 2  settle
			800 begin    send never
			800 written  wait 2650`},
	{"two hedges of three attempts", `{"attempts":4,"hedge":"50ms","max_hedges":2,"timeout":"300ms"}`, Start{}, `
			0 begin     send never
			0 written   wait 50
			50 due      send never
			50 written  wait 100
			100 due     send never
			100 written wait 400
			400 due     send never
			400 written wait 700
			700 due     give up, attempts used up`},
	{"one hedge, then the timeout is adaptive", `{"hedge":"50ms","max_hedges":1,"adaptive":{}}`, Start{Dest: &Destination{}}, `
			0 begin     send never
			0 written   wait 50
			50 due      send never
			50 written  wait 550
			70 reply 1  settle
			80 begin    send never
			80 written  wait 130
			130 due     send never
			130 written wait 340`},
	{"a hedge delay without a destination", `{"hedge":"50ms","hedge_percentile":90}`, Start{}, `
			0 begin     send never
			0 written   wait 50`},
	{"pauses after timeouts only", `{"retry_on":[11],"backoff_after":{"timeout":{"kind":"constant","base":"70ms"}}}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			10 error 1 11  send never
			10 written     wait 510
			510 due        pause 580`},
	{"pauses by code", `{"attempts":5,"retry_on":[11,13,22],"backoff":{"kind":"constant","base":"10ms"},"backoff_after":{"11":{"kind":"constant","base":"300ms"},"22":{}}}`, Start{}, `
			0 begin        send never
			0 written      wait 500
			500 due        pause 510
			510 due        send never
			510 written    wait 1010
			600 error 2 11 pause 900
			900 due        send never
			900 written    wait 1400
			910 error 3 13 pause 920
			920 due        send never
			920 written    wait 1420
			930 error 4 22 send never`},
	{"pauses after pushback", `{"retry_on":[11],"backoff_after":{"11":{"kind":"constant","base":"20ms"},"pushback":{"kind":"constant","base":"200ms"}}}`, Start{}, `
			0 begin            send never
			0 written          wait 500
			10 error 1 11 50   pause 210
			210 due            send never
			210 written        wait 710
			220 error 2 11     pause 240`},
	{"pushback as long as the policy says", `{"retry_on":[11],"max_pushback":"1m"}`, Start{}, `
			0 begin              send never
			0 written            wait 500
			10 error 1 11 40000  pause 40010
			40010 due            send never
			40010 written        wait 40510
			40020 error 2 11 90000 pause 100020`},
	{"pushback as short as the policy says", `{"retry_on":[11],"max_pushback":"1ms"}`, Start{}, `
			0 begin              send never
			0 written            wait 500
			10 error 1 11 40000  pause 11`},
	{"RetryIf wants another attempt after a good reply", `{"attempts":2}`, Start{}, `
			0 begin       send never
			0 written     wait 500
			10 unless 1   send never
			10 written    wait 510
			20 reply 2    settle`},
	{"RetryIf wants too many attempts", `{"attempts":2}`, Start{}, `
			0 begin       send never
			0 written     wait 500
			10 unless 1   send never
			10 written    wait 510
			20 unless 2   settle`},
	{"RetryIf wants another attempt after an error reply", `{"attempts":2}`, Start{}, `
			0 begin       send never
			0 written     wait 500
			10 again 1 22 send never
			10 written    wait 510
			20 again 2 22 give up, attempts used up`},
	{"RetryIf refuses a reply while another attempt is open", `{"attempts":2}`, Start{}, `
			0 begin       send never
			0 written     wait 500
			500 due       send never
			500 written   wait 1000
			510 unless 1  wait 1000
			520 reply 2   settle`},
}
