# shellcheck shell=sh disable=SC2034,SC2154
# Part of telemetry-hook.sh: whether version control, or a manager of dotfiles, takes a file along.

# tracker := what takes file $2 of folder $1 along, empty when nothing does; unsure := yes when another look may tell
# otherwise. In doubt it is taken along: the other way to keep the variables costs a line in the shell profile, a key in
# a repository costs the key.
find_tracker() {
  tracker=
  unsure=
  real=$(cd -P "$1" 2>/dev/null && pwd) || return 0
  for start in "$1" "$real"; do
    folder=$start
    while :; do
      for mark in .jj .hg .svn .bzr _darcs .pijul .sl .fslckout _FOSSIL_ CVS RCS .git; do
        [ -e "$folder/$mark" ] || continue
        [ "$mark" = .git ] && git -C "$real" check-ignore -q "$2" 2>/dev/null && continue
        tracker="it is in a working copy ($mark in ${folder:-/}) that does not ignore it"
        return 0
      done
      [ -n "$folder" ] || break
      folder=${folder%/*}
    done
  done
  case $exported_work_tree in
    "") ;;
    *) case $real/ in "${exported_work_tree%/}"/*) tracker="it is in the work tree that GIT_WORK_TREE names" ;; esac ;;
  esac
  [ -z "$tracker" ] && [ -n "${HOME-}" ] || return 0
  # In a process of its own: a dead network mount in the home holds for ever whoever looks at it.
  ticks=30
  if bounded sh "$self" tracker "$1" "$2"; then
    tracker=$output
  else
    unsure=yes
    tracker="something in $HOME does not answer, which may be what takes it along"
  fi
}

# Prints what of the whole home takes file $2 of folder $1 along.
tracker() {
  tracker=
  real=$(cd -P "$1" && pwd)
  find_bare_repository "$2"
  [ -n "$tracker" ] || find_dotfiles_manager "$1"
  printf '%s' "$tracker"
}

# A bare repository has an index only when somebody uses it with a work tree elsewhere.
find_bare_repository() {
  for repository in "$HOME"/.[!.]*/index "$HOME"/*/index "$HOME"/.[!.]*/*/index "$HOME"/*/*/index \
    "$HOME"/.config/*/*/index "$HOME"/.local/*/*/*/index "$HOME"/.config/vcsh/repo.d/*/index; do
    repository=${repository%/index}
    { [ -e "$repository/index" ] && [ -e "$repository/HEAD" ] && [ -d "$repository/objects" ]; } || continue
    case $repository in */.git) continue ;; esac
    tree=$(git --git-dir="$repository" config core.worktree 2>/dev/null) || tree=$HOME
    case $tree in /*) ;; *) tree=$(cd "$repository" && cd -P "$tree" && pwd) ;; esac
    case $real/ in "${tree%/}"/*) ;; *) continue ;; esac
    git --git-dir="$repository" --work-tree="$tree" check-ignore -q "$real/$1" 2>/dev/null && continue
    tracker="the repository $repository has its folder as its work tree"
    return 0
  done
  for file in .profile .bashrc .bash_profile .bash_aliases .bash_login .zshrc .zshenv .zprofile .aliases .gitconfig \
    .config/fish/config.fish .config/git/config; do
    grep -qs -e '--work-tree' -e GIT_WORK_TREE -e 'worktree *= *[~/]' "$HOME/$file" || continue
    tracker="$HOME/$file names a git work tree outside its repository"
    return 0
  done
}

# These copy files into a repository of their own, or through a synchronised folder.
find_dotfiles_manager() {
  name=${1##*/}
  for source in "${XDG_DATA_HOME:-$HOME/.local/share}/chezmoi" "$HOME/.chezmoi"; do
    for copy in "$source" "$source"/home; do
      for prefix in dot_ private_dot_ exact_dot_ exact_private_dot_; do
        [ -d "$copy/$prefix${name#.}" ] || continue
        tracker="chezmoi manages its folder ($copy/$prefix${name#.})"
        return 0
      done
    done
  done
  for place in .config/dotdrop .dotdrop .rcrc .mackup.cfg .config/yadm .config/home-manager .dotfiles dotfiles; do
    grep -rqs -e "$name" -e "${name#.}/" "$HOME/$place" || continue
    tracker="$HOME/$place manages dotfiles and names it"
    return 0
  done
}
