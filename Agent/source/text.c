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

#define NAME(name) [name] = #name
static const char errno_names[][16] = {
    NAME(EPERM),           NAME(ENOENT),          NAME(ESRCH),      NAME(EINTR),           NAME(EIO),
    NAME(ENXIO),           NAME(E2BIG),           NAME(ENOEXEC),    NAME(EBADF),           NAME(ECHILD),
    NAME(EAGAIN),          NAME(ENOMEM),          NAME(EACCES),     NAME(EFAULT),          NAME(ENOTBLK),
    NAME(EBUSY),           NAME(EEXIST),          NAME(EXDEV),      NAME(ENODEV),          NAME(ENOTDIR),
    NAME(EISDIR),          NAME(EINVAL),          NAME(ENFILE),     NAME(EMFILE),          NAME(ENOTTY),
    NAME(ETXTBSY),         NAME(EFBIG),           NAME(ENOSPC),     NAME(ESPIPE),          NAME(EROFS),
    NAME(EMLINK),          NAME(EPIPE),           NAME(EDOM),       NAME(ERANGE),          NAME(EDEADLK),
    NAME(ENAMETOOLONG),    NAME(ENOLCK),          NAME(ENOSYS),     NAME(ENOTEMPTY),       NAME(ELOOP),
    NAME(ENOMSG),          NAME(EIDRM),           NAME(ENOSTR),     NAME(ENODATA),         NAME(ETIME),
    NAME(ENOSR),           NAME(ENONET),          NAME(ENOLINK),    NAME(EPROTO),          NAME(EMULTIHOP),
    NAME(EBADMSG),         NAME(EOVERFLOW),       NAME(ENOTUNIQ),   NAME(EBADFD),          NAME(EREMCHG),
    NAME(ELIBACC),         NAME(ELIBBAD),         NAME(EILSEQ),     NAME(ERESTART),        NAME(EUSERS),
    NAME(ENOTSOCK),        NAME(EDESTADDRREQ),    NAME(EMSGSIZE),   NAME(EPROTOTYPE),      NAME(ENOPROTOOPT),
    NAME(EPROTONOSUPPORT), NAME(ESOCKTNOSUPPORT), NAME(EOPNOTSUPP), NAME(EPFNOSUPPORT),    NAME(EAFNOSUPPORT),
    NAME(EADDRINUSE),      NAME(EADDRNOTAVAIL),   NAME(ENETDOWN),   NAME(ENETUNREACH),     NAME(ENETRESET),
    NAME(ECONNABORTED),    NAME(ECONNRESET),      NAME(ENOBUFS),    NAME(EISCONN),         NAME(ENOTCONN),
    NAME(ETIMEDOUT),       NAME(ECONNREFUSED),    NAME(EHOSTDOWN),  NAME(EHOSTUNREACH),    NAME(EALREADY),
    NAME(EINPROGRESS),     NAME(ESTALE),          NAME(EUCLEAN),    NAME(EREMOTEIO),       NAME(EDQUOT),
    NAME(ENOMEDIUM),       NAME(EMEDIUMTYPE),     NAME(ECANCELED),  NAME(ENOKEY),          NAME(EKEYEXPIRED),
    NAME(EKEYREVOKED),     NAME(EKEYREJECTED),    NAME(EOWNERDEAD), NAME(ENOTRECOVERABLE), NAME(ERFKILL),
    NAME(EHWPOISON),
};

void text_add_errno(struct text *text, int number) {
  if (number > 0 && (size_t)number < sizeof errno_names / sizeof errno_names[0] &&
      errno_names[number][0] != 0) {
    text_add(text, errno_names[number]);
  } else {
    text_add(text, "errno ");
    text_add_number(text, number);
  }
}
