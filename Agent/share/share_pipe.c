#include "share_pipe.h"

#include <string.h>

#include "admission.h"
#include "descriptor.h"
#include "handoff.h"
#include "link.h"
#include "listener.h"
#include "port.h"
#include "share_requests.h"
#include "share_window.h"

enum {
  SECRET_MS = 500,
  AWAY_MS = 5, /* between two looks at a host that is away */
  INPUT_SIZE = 1 << 20,
  REPLY_MAX = sizeof(struct share_reply_header) + (1 << 20),
};

struct share {
  int fuse; /* -1: none */
};

struct share_pipe {
  const struct environment *environment;
  int handoff, listener;
  int host; /* the serial port or the accepted connection; -1: none */
  bool is_serial;
  bool has_session; /* the host has sent its HELLO */
  struct share shares[PV_MAX_SHARES + 1];
  struct share_requests requests;
  struct share_window window;
  size_t input_start, input_end;
  uint32_t reply_share;
  size_t reply_length;
  uint8_t output[PV_LINK_HEADER_SIZE + PV_LINK_MAX_PAYLOAD];
  uint8_t input[INPUT_SIZE];
  uint8_t reply[REPLY_MAX];
};

/* ---- to the host ---------------------------------------------------------------------------- */

static void pipe_lose_host(struct share_pipe *pipe) {
  pipe->has_session = false;
  pipe->input_start = pipe->input_end = pipe->reply_length = 0;
  if (!pipe->is_serial) {
    descriptor_close(pipe->host);
    pipe->host = -1;
  }
}

static void pipe_write(struct share_pipe *pipe, const uint8_t *bytes, size_t length) {
  while (length != 0 && pipe->host >= 0) {
    long put = pipe->is_serial
                   ? sys_write(pipe->host, bytes, length)
                   : sys_call6(SYS_sendto, pipe->host, (long)bytes, (long)length, MSG_NOSIGNAL, 0, 0);
    if (put > 0) {
      bytes += put;
      length -= (size_t)put;
    } else if (put == -EAGAIN) {
      struct pollfd poll = {pipe->host, POLLOUT, 0};
      sys_poll(&poll, 1, -1);
      if ((poll.revents & POLLOUT) == 0) {
        sys_sleep_ms(AWAY_MS);
      }
    } else if (put != -EINTR) {
      pipe_lose_host(pipe);
      return;
    }
  }
}

/* Sends a frame whose payload is in pipe->output already. */
static void pipe_send(struct share_pipe *pipe, uint8_t type, uint32_t share, uint32_t length) {
  struct pv_link_header header;
  pv_link_header_make(&header, type, (uint16_t)share, pipe->output + PV_LINK_HEADER_SIZE, length);
  memcpy(pipe->output, &header, sizeof header);
  pipe_write(pipe, pipe->output, sizeof header + length);
}

static void pipe_close_share(struct share_pipe *pipe, uint32_t number) {
  descriptor_close(pipe->shares[number].fuse);
  pipe->shares[number].fuse = -1;
  share_requests_drop(&pipe->requests, number);
  if (pipe->has_session) {
    pipe_send(pipe, PV_LINK_CLOSE, number, 0);
  }
}

/* A request that is longer than any of a read-only file system. */
static void pipe_refuse(struct share_pipe *pipe, uint32_t number, uint64_t unique) {
  struct share_reply_header reply = {sizeof reply, -EIO, unique};
  sys_write(pipe->shares[number].fuse, &reply, sizeof reply);
}

/* Forwards one request. */
static void pipe_take_request(struct share_pipe *pipe, uint32_t number) {
  uint8_t *request = pipe->output + PV_LINK_HEADER_SIZE;
  long got = sys_read(pipe->shares[number].fuse, request, PV_LINK_MAX_PAYLOAD);
  if (got == -ENODEV) {
    pipe_close_share(pipe, number);
  }
  if (got < (long)sizeof(struct share_request_header)) {
    return;
  }
  struct share_request_header header;
  memcpy(&header, request, sizeof header);
  if (share_request_is_answered(header.operation)) {
    if (got > SHARE_REQUEST_MAX) {
      pipe_refuse(pipe, number, header.unique);
      return;
    }
    share_requests_add(&pipe->requests, number, request, (uint32_t)got);
  }
  pipe_send(pipe, PV_LINK_DATA, number, (uint32_t)got);
}

static void pipe_begin_session(struct share_pipe *pipe, const struct link_frame *hello) {
  if (hello->length != PV_NONCE_SIZE) {
    return;
  }
  pipe->reply_length = 0;
  pipe->has_session = true;
  memcpy(pipe->output + PV_LINK_HEADER_SIZE, hello->payload, PV_NONCE_SIZE);
  pipe_send(pipe, PV_LINK_HELLO_ACK, 0, PV_NONCE_SIZE);
  uint64_t order = 0;
  const struct share_request *request;
  while ((request = share_requests_next(&pipe->requests, &order)) != NULL) {
    memcpy(pipe->output + PV_LINK_HEADER_SIZE, request->bytes, request->length);
    pipe_send(pipe, PV_LINK_DATA, request->share, request->length);
  }
}

/* ---- from the host -------------------------------------------------------------------------- */

static void pipe_finish_reply(struct share_pipe *pipe, uint32_t number) {
  struct share_reply_header header;
  memcpy(&header, pipe->reply, sizeof header);
  /* A notice to the kernel has no request. A reply without a request is to one that was answered before. */
  if (header.unique == 0 || share_requests_remove(&pipe->requests, number, header.unique)) {
    sys_write(pipe->shares[number].fuse, pipe->reply, pipe->reply_length);
  }
  pipe->reply_length = 0;
}

/* Tells the host how much of the window it may use again: the first time all of it. */
static void pipe_grant_window(struct share_pipe *pipe, uint32_t bytes) {
  pipe->window.taken = 0;
  memcpy(pipe->output + PV_LINK_HEADER_SIZE, &bytes, sizeof bytes);
  pipe_send(pipe, PV_LINK_WINDOW, 0, sizeof bytes);
}

static void pipe_take_window(struct share_pipe *pipe, const struct link_frame *frame) {
  uint32_t size =
      frame->length == PV_WINDOW_MARK_SIZE ? share_window_check(&pipe->window, frame->payload) : 0;
  if (size != 0) {
    pipe_grant_window(pipe, size);
  }
}

static void pipe_take_placed(struct share_pipe *pipe, const struct link_frame *frame) {
  bool is_mounted =
      frame->channel != 0 && frame->channel <= PV_MAX_SHARES && pipe->shares[frame->channel].fuse >= 0;
  pipe->reply_length = share_window_take(&pipe->window, frame, pipe->reply, sizeof pipe->reply);
  if (pipe->reply_length != 0 && is_mounted) {
    pipe_finish_reply(pipe, frame->channel);
  }
  pipe->reply_length = 0;
  if (pipe->window.taken != 0 && pipe->window.taken >= pipe->window.size / 4) {
    pipe_grant_window(pipe, pipe->window.taken);
  }
}

/* The frames of a reply follow each other. */
static void pipe_take_reply(struct share_pipe *pipe, const struct link_frame *frame) {
  if (frame->channel == 0 || frame->channel > PV_MAX_SHARES || pipe->shares[frame->channel].fuse < 0) {
    return; /* the share was unmounted */
  }
  if (pipe->reply_share != frame->channel) {
    pipe->reply_length = 0;
  }
  pipe->reply_share = frame->channel;
  if (frame->length > sizeof pipe->reply - pipe->reply_length) {
    pipe->reply_length = 0;
    return;
  }
  memcpy(pipe->reply + pipe->reply_length, frame->payload, frame->length);
  pipe->reply_length += frame->length;
  uint32_t length;
  if (pipe->reply_length < sizeof(struct share_reply_header)) {
    return;
  }
  memcpy(&length, pipe->reply, sizeof length);
  if (pipe->reply_length >= length) {
    pipe_finish_reply(pipe, frame->channel);
  }
}

static void pipe_take_input(struct share_pipe *pipe) {
  if (INPUT_SIZE - pipe->input_end < 2 * PV_LINK_MAX_PAYLOAD) {
    memmove(pipe->input, pipe->input + pipe->input_start, pipe->input_end - pipe->input_start);
    pipe->input_end -= pipe->input_start;
    pipe->input_start = 0;
  }
  long got = sys_read(pipe->host, pipe->input + pipe->input_end, INPUT_SIZE - pipe->input_end);
  if (got <= 0) {
    if (got == 0 || (got != -EAGAIN && got != -EINTR)) {
      pipe_lose_host(pipe);
    }
    return;
  }
  pipe->input_end += (size_t)got;
  struct link_frame frame;
  while (link_read(pipe->input, pipe->input_end, &pipe->input_start, &frame) == LINK_FRAME) {
    if (frame.type == PV_LINK_HELLO) {
      pipe_begin_session(pipe, &frame);
    } else if (frame.type == PV_LINK_DATA && pipe->has_session) {
      pipe_take_reply(pipe, &frame);
    } else if (frame.type == PV_LINK_WINDOW && pipe->has_session) {
      pipe_take_window(pipe, &frame);
    } else if (frame.type == PV_LINK_PLACED && pipe->has_session) {
      pipe_take_placed(pipe, &frame);
    }
    if (pipe->host < 0) {
      return; /* lost while a request was sent */
    }
  }
  if (pipe->input_start == pipe->input_end) {
    pipe->input_start = pipe->input_end = 0;
  }
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void pipe_take_share(struct share_pipe *pipe) {
  struct handoff_message message;
  int error = handoff_receive(pipe->handoff, &message, MSG_DONTWAIT);
  if (error == -EPIPE) { /* the main agent has ended; the mounted shares go on */
    descriptor_close(pipe->handoff);
    pipe->handoff = -1;
  }
  if (error != 0 || message.count != 1) {
    return;
  }
  if (message.number == 0 || message.number > PV_MAX_SHARES || pipe->shares[message.number].fuse >= 0) {
    sys_close(message.descriptors[0]);
    return;
  }
  pipe->shares[message.number].fuse = descriptor_hide(message.descriptors[0]);
}

static void pipe_accept(struct share_pipe *pipe) {
  struct candidate candidate;
  if (!candidate_accept(pipe->environment, pipe->listener, 0, &candidate)) {
    return;
  }
  int fd = candidate_await(pipe->environment, &candidate, SECRET_MS);
  if (fd >= 0) {
    pipe_lose_host(pipe);
    pipe->host = fd;
    sys_fcntl(fd, F_SETFL, O_NONBLOCK);
  }
}

static void pipe_find_host(struct share_pipe *pipe) {
  pipe->host = descriptor_hide(port_open(pipe->environment->private, PV_PORT_SHARE, O_NONBLOCK));
  pipe->is_serial = pipe->host >= 0;
  if (!pipe->is_serial) {
    pipe->listener = listener_open(pipe->environment, PV_VSOCK_SHARE_PORT);
  }
}

static void pipe_wait(struct share_pipe *pipe) {
  struct pollfd polls[PV_MAX_SHARES + 3];
  uint32_t numbers[PV_MAX_SHARES + 3], count = 3;
  polls[0] = (struct pollfd){pipe->handoff, POLLIN, 0};
  polls[1] = (struct pollfd){pipe->listener, POLLIN, 0};
  polls[2] = (struct pollfd){pipe->host, POLLIN, 0};
  bool takes_requests = pipe->has_session && !share_requests_is_full(&pipe->requests);
  for (uint32_t n = 1; n <= PV_MAX_SHARES; n++) {
    if (pipe->shares[n].fuse >= 0) {
      numbers[count] = n;
      polls[count++] = (struct pollfd){pipe->shares[n].fuse, takes_requests ? POLLIN : 0, 0};
    }
  }
  sys_poll(polls, count, -1);
  if (polls[0].revents != 0) {
    pipe_take_share(pipe);
  }
  if (polls[1].revents != 0) {
    pipe_accept(pipe);
    return; /* the host may be another one now */
  }
  if ((polls[2].revents & POLLIN) != 0) {
    pipe_take_input(pipe);
  } else if (polls[2].revents != 0 && pipe->is_serial) {
    sys_sleep_ms(AWAY_MS); /* a port reports a hang-up for as long as the host is away */
  } else if (polls[2].revents != 0) {
    pipe_lose_host(pipe);
  }
  for (uint32_t i = 3; i < count; i++) {
    if ((polls[i].revents & (POLLERR | POLLHUP)) != 0) {
      pipe_close_share(pipe, numbers[i]);
    } else if (polls[i].revents != 0 && pipe->has_session && !share_requests_is_full(&pipe->requests)) {
      pipe_take_request(pipe, numbers[i]);
    }
  }
}

NO_RETURN void share_pipe_run(const struct environment *environment, int handoff) {
  static struct share_pipe pipe;
  pipe.environment = environment;
  pipe.handoff = handoff;
  pipe.listener = pipe.host = -1;
  for (uint32_t n = 0; n <= PV_MAX_SHARES; n++) {
    pipe.shares[n].fuse = -1;
  }
  pipe_find_host(&pipe);
  share_window_open(&pipe.window, environment->private);
  for (;;) {
    pipe_wait(&pipe);
  }
}
