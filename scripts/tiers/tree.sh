# shellcheck shell=bash
# Always first: build/linux is what series/ says.
lay_tree ""
ok "$(patches | wc -l) patches apply on $BASE_NAME"
