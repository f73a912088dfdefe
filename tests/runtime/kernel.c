/* Makes system calls for another process: requests and answers over two named pipes.
 *
 * A request: i64 number, i64 arguments[6], u64 count, then count times {u64 index, u64 length} for the arguments that are pointers,
 * then the bytes that each points to. The answer: i64 result, then the bytes again, as the kernel left them. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

static unsigned char memory[4 << 20];

static int all(int fd, void *at, size_t length, int writing) {
  for (unsigned char *p = at; length;) {
    ssize_t n = writing ? write(fd, p, length) : read(fd, p, length);
    if (n <= 0) return 0;
    p += n;
    length -= (size_t)n;
  }
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int requests = open(argv[1], O_RDONLY | O_CLOEXEC);
  int answers = open(argv[2], O_WRONLY | O_CLOEXEC);
  /* Out of the way of the descriptors that the calls make. */
  requests = fcntl(requests, F_DUPFD_CLOEXEC, 900);
  answers = fcntl(answers, F_DUPFD_CLOEXEC, 901);
  close(3);
  close(4);
  int64_t head[8];
  while (all(requests, head, sizeof head, 0)) {
    uint64_t pointers[6][2];
    if (head[7] > 6 || !all(requests, pointers, (size_t)head[7] * 16, 0)) return 3;
    size_t used = 0;
    for (int i = 0; i < head[7]; i++) {
      if (pointers[i][0] > 5 || used + pointers[i][1] > sizeof memory) return 4;
      head[1 + pointers[i][0]] = (int64_t)(intptr_t)(memory + used);
      used += pointers[i][1];
    }
    if (!all(requests, memory, used, 0)) return 5;
    int64_t result = syscall(head[0], head[1], head[2], head[3], head[4], head[5], head[6]);
    if (result < 0) result = -errno;
    if (!all(answers, &result, 8, 1) || !all(answers, memory, used, 1)) return 6;
  }
  return 0;
}
