#include "text.h"

#include <errno.h>
#include <string.h>

void text_add_bytes(struct text *text, const void *bytes, size_t length) {
  size_t room = sizeof text->data - 1 - text->length;
  if (length > room) {
    length = room;
  }
  if (length != 0) {
    memcpy(text->data + text->length, bytes, length);
  }
  text->length += length;
  text->data[text->length] = 0;
}

void text_add(struct text *text, const char *string) { text_add_bytes(text, string, strlen(string)); }

void text_add_number(struct text *text, int64_t number) {
  char digits[21];
  size_t at = sizeof digits;
  uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  do {
    digits[--at] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (number < 0) {
    digits[--at] = '-';
  }
  text_add_bytes(text, digits + at, sizeof digits - at);
}

#define TEXT_NAME(name) [name] = #name
static const char text_errno_names[][16] = {
    TEXT_NAME(EPERM),        TEXT_NAME(ENOENT),          TEXT_NAME(ESRCH),           TEXT_NAME(EINTR),
    TEXT_NAME(EIO),          TEXT_NAME(ENXIO),           TEXT_NAME(E2BIG),           TEXT_NAME(ENOEXEC),
    TEXT_NAME(EBADF),        TEXT_NAME(ECHILD),          TEXT_NAME(EAGAIN),          TEXT_NAME(ENOMEM),
    TEXT_NAME(EACCES),       TEXT_NAME(EFAULT),          TEXT_NAME(ENOTBLK),         TEXT_NAME(EBUSY),
    TEXT_NAME(EEXIST),       TEXT_NAME(EXDEV),           TEXT_NAME(ENODEV),          TEXT_NAME(ENOTDIR),
    TEXT_NAME(EISDIR),       TEXT_NAME(EINVAL),          TEXT_NAME(ENFILE),          TEXT_NAME(EMFILE),
    TEXT_NAME(ENOTTY),       TEXT_NAME(ETXTBSY),         TEXT_NAME(EFBIG),           TEXT_NAME(ENOSPC),
    TEXT_NAME(ESPIPE),       TEXT_NAME(EROFS),           TEXT_NAME(EMLINK),          TEXT_NAME(EPIPE),
    TEXT_NAME(EDOM),         TEXT_NAME(ERANGE),          TEXT_NAME(EDEADLK),         TEXT_NAME(ENAMETOOLONG),
    TEXT_NAME(ENOLCK),       TEXT_NAME(ENOSYS),          TEXT_NAME(ENOTEMPTY),       TEXT_NAME(ELOOP),
    TEXT_NAME(ENOMSG),       TEXT_NAME(EIDRM),           TEXT_NAME(ENOSTR),          TEXT_NAME(ENODATA),
    TEXT_NAME(ETIME),        TEXT_NAME(ENOSR),           TEXT_NAME(ENONET),          TEXT_NAME(ENOLINK),
    TEXT_NAME(EPROTO),       TEXT_NAME(EMULTIHOP),       TEXT_NAME(EBADMSG),         TEXT_NAME(EOVERFLOW),
    TEXT_NAME(ENOTUNIQ),     TEXT_NAME(EBADFD),          TEXT_NAME(EREMCHG),         TEXT_NAME(ELIBACC),
    TEXT_NAME(ELIBBAD),      TEXT_NAME(EILSEQ),          TEXT_NAME(ERESTART),        TEXT_NAME(EUSERS),
    TEXT_NAME(ENOTSOCK),     TEXT_NAME(EDESTADDRREQ),    TEXT_NAME(EMSGSIZE),        TEXT_NAME(EPROTOTYPE),
    TEXT_NAME(ENOPROTOOPT),  TEXT_NAME(EPROTONOSUPPORT), TEXT_NAME(ESOCKTNOSUPPORT), TEXT_NAME(EOPNOTSUPP),
    TEXT_NAME(EPFNOSUPPORT), TEXT_NAME(EAFNOSUPPORT),    TEXT_NAME(EADDRINUSE),      TEXT_NAME(EADDRNOTAVAIL),
    TEXT_NAME(ENETDOWN),     TEXT_NAME(ENETUNREACH),     TEXT_NAME(ENETRESET),       TEXT_NAME(ECONNABORTED),
    TEXT_NAME(ECONNRESET),   TEXT_NAME(ENOBUFS),         TEXT_NAME(EISCONN),         TEXT_NAME(ENOTCONN),
    TEXT_NAME(ETIMEDOUT),    TEXT_NAME(ECONNREFUSED),    TEXT_NAME(EHOSTDOWN),       TEXT_NAME(EHOSTUNREACH),
    TEXT_NAME(EALREADY),     TEXT_NAME(EINPROGRESS),     TEXT_NAME(ESTALE),          TEXT_NAME(EUCLEAN),
    TEXT_NAME(EREMOTEIO),    TEXT_NAME(EDQUOT),          TEXT_NAME(ENOMEDIUM),       TEXT_NAME(EMEDIUMTYPE),
    TEXT_NAME(ECANCELED),    TEXT_NAME(ENOKEY),          TEXT_NAME(EKEYEXPIRED),     TEXT_NAME(EKEYREVOKED),
    TEXT_NAME(EKEYREJECTED), TEXT_NAME(EOWNERDEAD),      TEXT_NAME(ENOTRECOVERABLE), TEXT_NAME(ERFKILL),
    TEXT_NAME(EHWPOISON),
};

void text_add_errno(struct text *text, int number) {
  if (number > 0 && (size_t)number < sizeof text_errno_names / sizeof text_errno_names[0] &&
      text_errno_names[number][0] != 0) {
    text_add(text, text_errno_names[number]);
  } else {
    text_add(text, "errno ");
    text_add_number(text, number);
  }
}
