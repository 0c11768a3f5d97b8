# Part of telemetry-hook.sh: changing members of the object `env` at the top of a JSON file, byte by byte around them,
# because no common tool writes JSON back as it was (order, spellings of numbers, keys given twice, line endings, bytes
# that are not UTF-8). The caller checks the result with a real parser.

# Reads JSON text and a final "." (so that the last line end counts) from stdin; $edits holds lines NAME<tab>JSON to set
# a member or NAME to drop it. Prints the new text; fails on what is not an object, or holds `env` twice.
function at(p) { return substr(s, p, 1) }
function blank(p) {
  while (p <= n && index(" \t\r\n", at(p))) p++
  return p
}
function string_end(p,  piece) {
  for (p++; p <= n; ) {
    piece = substr(s, p, 512)
    if (!match(piece, /["\\]/)) { p += length(piece); continue }
    p += RSTART
    if (substr(piece, RSTART, 1) == "\"") return p
    p++
  }
  exit 3
}
function value_end(p,  piece, c, depth) {
  c = at(p)
  if (c == "\"") return string_end(p)
  if (c != "{" && c != "[") {
    while (p <= n && !index(",}] \t\r\n", at(p))) p++
    return p
  }
  for (depth = 0; p <= n; ) {
    piece = substr(s, p, 512)
    if (!match(piece, /[]["{}]/)) { p += length(piece); continue }
    p += RSTART - 1
    c = at(p)
    if (c == "\"") { p = string_end(p); continue }
    p++
    if (c == "{" || c == "[") depth++
    else if (--depth == 0) return p
  }
  exit 3
}
# Members of the object at p: count, key[i], part[i] (from the comma before it to the end of its value), gap[i] (from there
# to the next comma), begin[i] (of the value); tail := where the space before its closing brace begins, close_at := the closing brace.
function members(p,  start, q) {
  count = 0
  tail = p + 1
  for (p = blank(start = p + 1); at(p) != "}"; p = blank(start)) {
    if (at(p) != "\"") exit 3
    q = string_end(p)
    key[++count] = substr(s, p + 1, q - p - 2)
    if (at(q = blank(q)) != ":") exit 3
    begin[count] = blank(q + 1)
    tail = value_end(begin[count])
    part[count] = substr(s, start, tail - start)
    q = blank(tail)
    gap[count] = ""
    if (at(q) == "}") { p = q; break }
    if (at(q) != ",") exit 3
    gap[count] = substr(s, tail, q - tail)
    start = q + 1
  }
  close_at = p
}
function lead(text) {
  match(text, /^[ \t\r\n]*/)
  return substr(text, 1, RLENGTH)
}
{ s = s (NR > 1 ? "\n" : "") $0 }
END {
  s = substr(s, 1, length(s) - 1)
  n = length(s)
  line_end = index(s, "\r\n") ? "\r\n" : "\n"
  wanted = split(ENVIRON["edits"], line, "\n")
  for (i = 1; i <= wanted; i++) {
    t = index(line[i], "\t")
    name[i] = t ? substr(line[i], 1, t - 1) : line[i]
    if (t) set[name[i]] = substr(line[i], t + 1)
    else if (name[i] != "") dropped[name[i]] = 1
  }
  if (blank(1) > n) s = "{" line_end "}" line_end
  n = length(s)
  bom = substr(s, 1, 3) == "\357\273\277" ? 4 : 1
  open = blank(bom)
  if (at(open) != "{") exit 3
  members(open)
  top_count = count; top_tail = tail; top_close = close_at; home = 0
  for (i = 1; i <= count; i++) {
    top[i] = part[i]
    top_gap[i] = gap[i]
    if (key[i] != "env") continue
    if (home) exit 4
    home = i
    value = begin[i]
    value_length = tail_of(i)
  }
  outer = top_count ? lead(top[1]) : line_end "  "
  step = outer; sub(/^.*\n/, "", step)
  inner = index(outer, "\n") ? outer step : outer == "" ? "" : " "
  inside = ""
  kept = 0
  if (home) {
    if (at(value) != "{") exit 3
    members(value)
    if (count) inner = lead(part[1])
    for (i = 1; i <= count; i++) {
      if (key[i] in seen) exit 4
      seen[key[i]] = 1
      if (key[i] in dropped) continue
      text = part[i]
      if (key[i] in set) text = substr(text, 1, length(text) - (end_of(begin[i]) - begin[i])) set[key[i]]
      inside = inside (kept++ ? "," : "") text gap[i]
    }
    close_lead = count ? substr(s, tail, close_at - tail) : ""
  } else close_lead = ""
  if (close_lead == "" && index(inner, "\n") && !(home && count)) close_lead = outer
  for (i = 1; i <= wanted; i++)
    if ((name[i] in set) && !(name[i] in seen))
      inside = inside (kept++ ? "," : "") inner "\"" name[i] "\": " set[name[i]]
  object = kept ? "{" inside close_lead "}" : ""
  out = ""
  shown = 0
  for (i = 1; i <= top_count; i++) {
    if (i == home) {
      if (object == "") continue
      out = out (shown++ ? "," : "") substr(top[i], 1, length(top[i]) - value_length) object top_gap[i]
    } else out = out (shown++ ? "," : "") top[i] top_gap[i]
  }
  if (!home && object != "") out = out (shown++ ? "," : "") outer "\"env\": " object
  printf "%s%s%s%s", substr(s, 1, open), out, (top_count ? substr(s, top_tail, top_close - top_tail) : line_end), substr(s, top_close)
}
function end_of(p) { return value_end(p) }
function tail_of(i) { return value_end(begin[i]) - begin[i] }
