#!/bin/sh
# An echo node in the shell without any other program. It is slow.
#
#     eddy test -w echo --bin examples/shell/echo.sh
next=0
while IFS= read -r line; do
  src=${line#*'"src":"'}; src=${src%%'"'*}
  dest=${line#*'"dest":"'}; dest=${dest%%'"'*}
  body=${line#*'"body":{'}
  id=${body##*'"msg_id":'}; id=${id%%[!0-9]*}
  case $body in
    *'"type":"init"'*) answer='"type":"init_ok"' ;;
    *'"type":"echo"'*) echo=${body#*'"echo":'}; answer='"type":"echo_ok","echo":'${echo%,'"msg_id":'*} ;;
    *) continue ;;
  esac
  printf '{"src":"%s","dest":"%s","body":{%s,"in_reply_to":%d,"msg_id":%d}}\n' "$dest" "$src" "$answer" "$id" "$next"
  next=$((next + 1))
done
