#include "share_link.h"

#include <string.h>

#include "admission.h"
#include "descriptor.h"
#include "listener.h"
#include "port.h"
#include "sys.h"

enum {
  SECRET_MS = 500,
  AWAY_MS = 5, /* between two looks at a host that is away */
};

void share_link_open(struct share_link *link, const struct environment *environment) {
  link->environment = environment;
  link->listener = -1;
  link->host = descriptor_hide(port_open(environment->private, PV_PORT_SHARE, O_NONBLOCK));
  link->is_serial = link->host >= 0;
  if (!link->is_serial) {
    link->listener = listener_open(environment, PV_VSOCK_SHARE_PORT);
  }
}

void share_link_accept(struct share_link *link) {
  struct candidate candidate;
  if (!candidate_accept(link->environment, link->listener, 0, &candidate)) {
    return;
  }
  int fd = candidate_await(link->environment, &candidate, SECRET_MS);
  if (fd >= 0) {
    share_link_lose(link);
    link->host = fd;
    sys_fcntl(fd, F_SETFL, O_NONBLOCK);
  }
}

void share_link_lose(struct share_link *link) {
  link->has_session = false;
  link->input_start = link->input_end = 0;
  if (!link->is_serial) {
    descriptor_close(link->host);
    link->host = -1;
  }
}

static void link_write(struct share_link *link, const uint8_t *bytes, size_t length) {
  while (length != 0 && link->host >= 0) {
    long put = link->is_serial
                   ? sys_write(link->host, bytes, length)
                   : sys_call6(SYS_sendto, link->host, (long)bytes, (long)length, MSG_NOSIGNAL, 0, 0);
    if (put > 0) {
      bytes += put;
      length -= (size_t)put;
    } else if (put == -EAGAIN) {
      struct pollfd poll = {link->host, POLLOUT, 0};
      sys_poll(&poll, 1, -1);
      if ((poll.revents & POLLOUT) == 0) {
        sys_sleep_ms(AWAY_MS);
      }
    } else if (put != -EINTR) {
      share_link_lose(link);
      return;
    }
  }
}

uint8_t *share_link_payload(struct share_link *link) { return link->output + PV_LINK_HEADER_SIZE; }

void share_link_send(struct share_link *link, uint8_t type, uint32_t share, uint32_t length) {
  struct pv_link_header header;
  pv_link_header_make(&header, type, (uint16_t)share, share_link_payload(link), length);
  memcpy(link->output, &header, sizeof header);
  link_write(link, link->output, sizeof header + length);
}

void share_link_read(struct share_link *link) {
  if (SHARE_LINK_INPUT - link->input_end < 2 * PV_LINK_MAX_PAYLOAD) {
    memmove(link->input, link->input + link->input_start, link->input_end - link->input_start);
    link->input_end -= link->input_start;
    link->input_start = 0;
  }
  long got = sys_read(link->host, link->input + link->input_end, SHARE_LINK_INPUT - link->input_end);
  if (got > 0) {
    link->input_end += (size_t)got;
  } else if (got == 0 || (got != -EAGAIN && got != -EINTR)) {
    share_link_lose(link);
  }
}

bool share_link_next(struct share_link *link, struct link_frame *frame) {
  if (link_read(link->input, link->input_end, &link->input_start, frame) == LINK_FRAME) {
    return true;
  }
  if (link->input_start == link->input_end) {
    link->input_start = link->input_end = 0;
  }
  return false;
}

void share_link_hang_up(struct share_link *link) {
  if (link->is_serial) {
    sys_sleep_ms(AWAY_MS);
  } else {
    share_link_lose(link);
  }
}
