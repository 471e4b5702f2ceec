#include "share_pipe.h"

#include <string.h>

#include "descriptor.h"
#include "handoff.h"
#include "link.h"
#include "share_link.h"
#include "share_ready.h"
#include "share_requests.h"
#include "share_window.h"

enum { REPLY_MAX = sizeof(struct share_reply_header) + (1 << 20) };

struct share {
  int fuse; /* -1: none */
};

struct share_pipe {
  int handoff;
  struct share_link link;
  struct share shares[PV_MAX_SHARES + 1];
  struct share_requests requests;
  struct share_ready ready;
  struct share_window window;
  uint32_t reply_share;
  size_t reply_length;
  uint8_t reply[REPLY_MAX];
};

/* ---- from the kernel ------------------------------------------------------------------------- */

static void pipe_close_share(struct share_pipe *pipe, uint32_t number) {
  descriptor_close(pipe->shares[number].fuse);
  pipe->shares[number].fuse = -1;
  share_requests_drop(&pipe->requests, number);
  share_ready_drop(&pipe->ready, number);
  if (pipe->link.has_session) {
    share_link_send(&pipe->link, PV_LINK_CLOSE, number, 0);
  }
}

/* A request that is longer than any of a read-only file system. */
static void pipe_refuse(struct share_pipe *pipe, uint32_t number, uint64_t unique) {
  struct share_reply_header reply = {sizeof reply, -EIO, unique};
  sys_write(pipe->shares[number].fuse, &reply, sizeof reply);
}

static void pipe_answer(struct share_pipe *pipe, uint32_t number, uint64_t unique,
                        const struct ready_answer *answer) {
  struct share_reply_header reply = {(uint32_t)sizeof reply + answer->length, 0, unique};
  struct iovec parts[] = {{&reply, sizeof reply}, {(void *)answer->data, answer->length}};
  sys_writev(pipe->shares[number].fuse, parts, 2);
}

/* Answers one request, or forwards it. */
static void pipe_take_request(struct share_pipe *pipe, uint32_t number) {
  uint8_t *request = share_link_payload(&pipe->link);
  long got = sys_read(pipe->shares[number].fuse, request, PV_LINK_MAX_PAYLOAD);
  if (got == -ENODEV) {
    pipe_close_share(pipe, number);
  }
  if (got < (long)sizeof(struct share_request_header)) {
    return;
  }
  struct share_request_header header;
  memcpy(&header, request, sizeof header);
  struct ready_answer answer;
  if (share_ready_take(&pipe->ready, number, request, (size_t)got, &answer)) {
    pipe_answer(pipe, number, header.unique, &answer);
    return;
  }
  if (share_request_is_answered(header.operation)) {
    if (got > SHARE_REQUEST_MAX) {
      pipe_refuse(pipe, number, header.unique);
      return;
    }
    share_requests_add(&pipe->requests, number, request, (uint32_t)got);
  }
  share_link_send(&pipe->link, PV_LINK_DATA, number, (uint32_t)got);
}

static void pipe_begin_session(struct share_pipe *pipe, const struct link_frame *hello) {
  if (hello->length != PV_NONCE_SIZE) {
    return;
  }
  pipe->reply_length = 0;
  pipe->link.has_session = true;
  /* The files may have changed since. */
  share_ready_drop(&pipe->ready, 0);
  memcpy(share_link_payload(&pipe->link), hello->payload, PV_NONCE_SIZE);
  share_link_send(&pipe->link, PV_LINK_HELLO_ACK, 0, PV_NONCE_SIZE);
  uint64_t order = 0;
  const struct share_request *request;
  while ((request = share_requests_next(&pipe->requests, &order)) != NULL) {
    memcpy(share_link_payload(&pipe->link), request->bytes, request->length);
    share_link_send(&pipe->link, PV_LINK_DATA, request->share, request->length);
  }
}

/* ---- from the host -------------------------------------------------------------------------- */

static void pipe_finish_reply(struct share_pipe *pipe, uint32_t number) {
  struct share_reply_header header;
  memcpy(&header, pipe->reply, sizeof header);
  if (header.unique == 0 && header.error == PV_SHARE_AHEAD) {
    share_ready_keep(&pipe->ready, number, pipe->reply + sizeof header, pipe->reply_length - sizeof header);
    pipe->reply_length = 0;
    return;
  }
  if (header.unique == 0 && header.error == PV_SHARE_DROP) {
    share_ready_drop(&pipe->ready, number);
    pipe->reply_length = 0;
    return;
  }
  /* A notice to the kernel has no request. A reply without a request is to one that was answered before. */
  if (header.unique == 0 || share_requests_remove(&pipe->requests, number, header.unique)) {
    sys_write(pipe->shares[number].fuse, pipe->reply, pipe->reply_length);
  }
  pipe->reply_length = 0;
}

/* Tells the host how much of the window it may use again: the first time all of it. */
static void pipe_grant_window(struct share_pipe *pipe, uint32_t bytes) {
  pipe->window.taken = 0;
  memcpy(share_link_payload(&pipe->link), &bytes, sizeof bytes);
  share_link_send(&pipe->link, PV_LINK_WINDOW, 0, sizeof bytes);
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
  struct share_link *link = &pipe->link;
  struct link_frame frame;
  share_link_read(link);
  /* The host is lost where a request that is sent again fails. */
  while (link->host >= 0 && share_link_next(link, &frame)) {
    if (frame.type == PV_LINK_HELLO) {
      pipe_begin_session(pipe, &frame);
    } else if (frame.type == PV_LINK_DATA && link->has_session) {
      pipe_take_reply(pipe, &frame);
    } else if (frame.type == PV_LINK_WINDOW && link->has_session) {
      pipe_take_window(pipe, &frame);
    } else if (frame.type == PV_LINK_PLACED && link->has_session) {
      pipe_take_placed(pipe, &frame);
    }
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

static void pipe_wait(struct share_pipe *pipe) {
  struct pollfd polls[PV_MAX_SHARES + 3];
  uint32_t numbers[PV_MAX_SHARES + 3], count = 3;
  polls[0] = (struct pollfd){pipe->handoff, POLLIN, 0};
  polls[1] = (struct pollfd){pipe->link.listener, POLLIN, 0};
  polls[2] = (struct pollfd){pipe->link.host, POLLIN, 0};
  bool takes_requests = pipe->link.has_session && !share_requests_is_full(&pipe->requests);
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
    share_link_accept(&pipe->link);
    return; /* the host may be another one now */
  }
  if ((polls[2].revents & POLLIN) != 0) {
    pipe_take_input(pipe);
  } else if (polls[2].revents != 0) {
    share_link_hang_up(&pipe->link);
  }
  for (uint32_t i = 3; i < count; i++) {
    if ((polls[i].revents & (POLLERR | POLLHUP)) != 0) {
      pipe_close_share(pipe, numbers[i]);
    } else if (polls[i].revents != 0 && pipe->link.has_session && !share_requests_is_full(&pipe->requests)) {
      pipe_take_request(pipe, numbers[i]);
    }
  }
}

NO_RETURN void share_pipe_run(const struct environment *environment, int handoff) {
  static struct share_pipe pipe;
  pipe.handoff = handoff;
  for (uint32_t n = 0; n <= PV_MAX_SHARES; n++) {
    pipe.shares[n].fuse = -1;
  }
  share_link_open(&pipe.link, environment);
  share_window_open(&pipe.window, environment->private);
  for (;;) {
    pipe_wait(&pipe);
  }
}
