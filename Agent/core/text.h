/* Builds short messages for people without the C library's printf (see sys.h). */
#ifndef PROVIUM_TEXT_H
#define PROVIUM_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
  char data[512]; /* zero-terminated; what does not fit is left out */
  size_t length;
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t length);
void text_add_number(struct text *text, int64_t number);
/* Adds the name of an error, "ENOENT", or "errno 4711" for a number without a known name. */
void text_add_errno(struct text *text, int number);

#endif
