/** What a key may be: no line of the gate's key file can then be a comment, blank, or two keys. */
export const ingestionKey = /^[A-Za-z0-9_][A-Za-z0-9._%+@-]{7,}$/;

/** Owner of a personal key, `<owner>.<secret>`; the gate takes it from there. */
export const keyOwner = /^[a-z0-9_][a-z0-9._+-]{0,63}$/;
