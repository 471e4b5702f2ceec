/* Files, directories, and requests that replace a shell's tools. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "harness.h"

static char path[128];

static struct reply write_piece(struct peer *peer, uint32_t flags, uint32_t mode, uint64_t offset,
                                const char *name, const void *data, size_t length) {
  struct bytes payload = {0};
  put_u32(&payload, flags);
  put_u32(&payload, mode);
  put_u64(&payload, offset);
  put_string(&payload, name);
  put(&payload, data, length);
  struct reply reply = peer_call(peer, PV_WRITE_PIECE, &payload);
  free(payload.data);
  return reply;
}

static void check_pieces(struct peer *peer) {
  enum { PIECES = 20 };
  static uint8_t piece[PV_PIECE_SIZE];
  struct reply reply;
  for (uint32_t i = 0; i < PIECES; i++) {
    memset(piece, (int)i, sizeof piece);
    uint32_t flags = (i == 0 ? PV_WRITE_CREATE | PV_WRITE_MODE : 0) | (i == PIECES - 1 ? PV_WRITE_LAST : 0);
    reply = write_piece(peer, flags, 04751, (uint64_t)i * PV_PIECE_SIZE, path, piece, sizeof piece);
    CHECK(reply.type == PV_DONE && result_of(&reply) == PV_PIECE_SIZE);
  }
  struct stat facts;
  CHECK(stat(path, &facts) == 0 && facts.st_size == PIECES * (off_t)PV_PIECE_SIZE &&
        (facts.st_mode & 07777) == 04751);
  struct bytes name = text_payload(path);
  peer_request(peer, PV_READ_STREAM, &name);
  size_t at = 0;
  while ((reply = peer_receive(peer)).type == PV_DATA) {
    CHECK(reply.payload.length <= PV_PIECE_SIZE && reply.payload.data[0] == at / PV_PIECE_SIZE);
    at += reply.payload.length;
    free(reply.payload.data);
  }
  CHECK(reply.type == PV_DONE && result_of(&reply) == (int64_t)at && at == PIECES * PV_PIECE_SIZE);
  reply = write_piece(peer, 0, 0, 0, path, "x", 1);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EBADF);
}

static void check_whole_files(struct peer *peer) {
  struct bytes payload = {0};
  put_string(&payload, path);
  put(&payload, "contents", 8);
  struct reply reply = peer_call(peer, PV_WRITE_FILE, &payload);
  CHECK(reply.type == PV_FILE_DATA && reply.payload.length == 0);
  struct bytes name = text_payload(path);
  reply = peer_call(peer, PV_READ_FILE, &name);
  CHECK(reply.type == PV_FILE_DATA && reply.payload.length == 8 &&
        memcmp(reply.payload.data, "contents", 8) == 0);
  name = text_payload("/proc/self/status");
  reply = peer_call(peer, PV_READ_FILE, &name);
  CHECK(reply.type == PV_FILE_DATA && reply.payload.length > 100);
}

static void check_errors(struct peer *peer) {
  static const uint8_t types[] = {PV_READ_FILE, PV_READ_STREAM, PV_STAT, PV_LIST};
  struct bytes name = text_payload("/no/such/file");
  for (size_t i = 0; i < sizeof types; i++) {
    struct reply reply = peer_call(peer, types[i], &name);
    CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ENOENT);
    put_u8(&reply.payload, 0);
    CHECK(strstr((char *)reply.payload.data + 4, "/no/such/file: ENOENT") != NULL);
  }
  name = text_payload("/tmp");
  struct reply reply = peer_call(peer, PV_READ_FILE, &name);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EISDIR);
  name = text_payload("/dev/zero");
  reply = peer_call(peer, PV_READ_FILE, &name);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EFBIG);
  reply = write_piece(peer, PV_WRITE_CREATE | PV_WRITE_LAST, 0, 0, "/dev/full", "x", 1);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ENOSPC);
  reply = write_piece(peer, PV_WRITE_CREATE, 0, UINT64_MAX, path, "x", 1);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
}

static void check_looks(struct peer *peer) {
  struct bytes name = text_payload(path);
  struct stat facts;
  /* After the year 2262 the nanoseconds do not fit a signed 64-bit number. */
  const struct timespec late[2] = {{.tv_sec = 12000000000, .tv_nsec = 1},
                                   {.tv_sec = 12000000000, .tv_nsec = 1}};
  utimensat(AT_FDCWD, path, late, 0);
  struct reply reply = peer_call(peer, PV_STAT, &name);
  stat(path, &facts);
  CHECK(reply.type == PV_STAT_RESULT && reply.payload.length == 48);
  CHECK(get_u32(&reply.payload, 0) == facts.st_mode &&
        get_u64(&reply.payload, 16) == (uint64_t)facts.st_size);
  CHECK(get_u64(&reply.payload, 24) == facts.st_ino);
  CHECK(get_u64(&reply.payload, 40) ==
        (uint64_t)facts.st_mtim.tv_sec * 1000000000 + (uint64_t)facts.st_mtim.tv_nsec);
  name = text_payload("/dev/null");
  reply = peer_call(peer, PV_STAT, &name);
  CHECK(get_u64(&reply.payload, 32) == 0x103);
  name = text_payload("/");
  peer_request(peer, PV_LIST, &name);
  bool found = false;
  while ((reply = peer_receive(peer)).type == PV_DATA) {
    for (size_t at = 0; at + 3 <= reply.payload.length;) {
      size_t length = reply.payload.data[at + 1] | (size_t)reply.payload.data[at + 2] << 8;
      found = found || (length == 3 && memcmp(reply.payload.data + at + 3, "tmp", 3) == 0);
      at += 3 + length;
    }
  }
  CHECK(reply.type == PV_DONE && found);
}

static void check_system(struct peer *peer) {
  struct reply reply;
  peer_request(peer, PV_KERNEL_LOG, NULL);
  while ((reply = peer_receive(peer)).type == PV_DATA) {
    free(reply.payload.data);
  }
  CHECK(reply.type == PV_DONE || (reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EPERM));
  struct bytes mount = {0};
  put_u64(&mount, 0);
  put_string(&mount, "none");
  put_string(&mount, "/no/such/target");
  put_string(&mount, "proc");
  put_string(&mount, "");
  reply = peer_call(peer, PV_MOUNT, &mount);
  CHECK(reply.type == PV_ERROR);
  reply = peer_call(peer, PV_QUIESCE, NULL);
  CHECK(reply.type == PV_DONE);
  struct bytes resume = {0};
  for (uint8_t i = 0; i < PV_NONCE_SIZE; i++) {
    put_u8(&resume, i);
  }
  put_u64(&resume, 0);
  for (uint8_t i = 0; i < PV_SEED_SIZE; i++) {
    put_u8(&resume, i);
  }
  reply = peer_call(peer, PV_RESUME, &resume);
  CHECK(reply.type == PV_RESUMED && reply.payload.length == 28 &&
        memcmp(reply.payload.data, resume.data, 16) == 0);
}

/* STATE lists no descriptors of the agent itself. */
static void check_state(struct peer *peer) {
  struct reply before = peer_call(peer, PV_STATE, NULL);
  CHECK(before.type == PV_STATE_RESULT);
  struct bytes payload = exec_payload("true", 0, 0);
  peer_request(peer, PV_EXEC_FULL, &payload);
  peer_collect(peer, NULL, NULL);
  write_piece(peer, PV_WRITE_CREATE, 0, 0, path, "open", 4);
  payload = text_payload("input");
  peer_call(peer, PV_STDIN, &payload);
  struct reply after = peer_call(peer, PV_STATE, NULL);
  CHECK(after.payload.length == before.payload.length);
  struct reply opened = call_syscall(peer, 0, SYS_dup, 1, 0, 0);
  CHECK(result_of(&opened) < 20);
  after = peer_call(peer, PV_STATE, NULL);
  CHECK(after.payload.length == before.payload.length + 4);
}

void test_files(void) {
  snprintf(path, sizeof path, "/tmp/provium-agent-test-file.%d", getpid());
  for (int link = 0; link < 2; link++) {
    struct agent_under_test agent = agent_start(link);
    check_pieces(&agent.main);
    check_whole_files(&agent.main);
    check_errors(&agent.main);
    check_looks(&agent.main);
    check_system(&agent.main);
    check_state(&agent.main);
    CHECK(agent_stop(&agent));
    unlink(path);
  }
}
