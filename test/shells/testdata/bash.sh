# Prints what bash completes at the end of a command line, one candidate a line.
. /usr/share/bash-completion/bash_completion
. <(credential-resolver completion bash)
compopt() { :; } # works only for bash's own Tab key
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_KEY=9
read -ra COMP_WORDS <<<"$1"
[[ $1 != *" " ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
__start_credential-resolver
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
