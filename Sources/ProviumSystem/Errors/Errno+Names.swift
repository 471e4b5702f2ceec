/// The error numbers of Linux on x86_64, aarch64 and riscv64 (include/uapi/asm-generic/errno-base.h and errno.h of the kernel).
extension Errno {
  /// Operation not permitted.
  public static let EPERM = Errno(1)
  /// No such file or directory.
  public static let ENOENT = Errno(2)
  /// No such process.
  public static let ESRCH = Errno(3)
  /// Interrupted system call.
  public static let EINTR = Errno(4)
  /// Input/output error.
  public static let EIO = Errno(5)
  /// No such device or address.
  public static let ENXIO = Errno(6)
  /// Argument list too long.
  public static let E2BIG = Errno(7)
  /// Exec format error.
  public static let ENOEXEC = Errno(8)
  /// Bad file descriptor.
  public static let EBADF = Errno(9)
  /// No child processes.
  public static let ECHILD = Errno(10)
  /// Resource temporarily unavailable.
  public static let EAGAIN = Errno(11)
  /// Cannot allocate memory.
  public static let ENOMEM = Errno(12)
  /// Permission denied.
  public static let EACCES = Errno(13)
  /// Bad address.
  public static let EFAULT = Errno(14)
  /// Block device required.
  public static let ENOTBLK = Errno(15)
  /// Device or resource busy.
  public static let EBUSY = Errno(16)
  /// File exists.
  public static let EEXIST = Errno(17)
  /// Invalid cross-device link.
  public static let EXDEV = Errno(18)
  /// No such device.
  public static let ENODEV = Errno(19)
  /// Not a directory.
  public static let ENOTDIR = Errno(20)
  /// Is a directory.
  public static let EISDIR = Errno(21)
  /// Invalid argument.
  public static let EINVAL = Errno(22)
  /// Too many open files in system.
  public static let ENFILE = Errno(23)
  /// Too many open files.
  public static let EMFILE = Errno(24)
  /// Inappropriate ioctl for device.
  public static let ENOTTY = Errno(25)
  /// Text file busy.
  public static let ETXTBSY = Errno(26)
  /// File too large.
  public static let EFBIG = Errno(27)
  /// No space left on device.
  public static let ENOSPC = Errno(28)
  /// Illegal seek.
  public static let ESPIPE = Errno(29)
  /// Read-only file system.
  public static let EROFS = Errno(30)
  /// Too many links.
  public static let EMLINK = Errno(31)
  /// Broken pipe.
  public static let EPIPE = Errno(32)
  /// Numerical argument out of domain.
  public static let EDOM = Errno(33)
  /// Numerical result out of range.
  public static let ERANGE = Errno(34)
  /// Resource deadlock avoided.
  public static let EDEADLK = Errno(35)
  /// File name too long.
  public static let ENAMETOOLONG = Errno(36)
  /// No locks available.
  public static let ENOLCK = Errno(37)
  /// Function not implemented.
  public static let ENOSYS = Errno(38)
  /// Directory not empty.
  public static let ENOTEMPTY = Errno(39)
  /// Too many levels of symbolic links.
  public static let ELOOP = Errno(40)
  /// No data available.
  public static let ENODATA = Errno(61)
  /// Timer expired.
  public static let ETIME = Errno(62)
  /// Protocol error.
  public static let EPROTO = Errno(71)
  /// Bad message.
  public static let EBADMSG = Errno(74)
  /// Value too large for defined data type.
  public static let EOVERFLOW = Errno(75)
  /// Invalid or incomplete multibyte or wide character.
  public static let EILSEQ = Errno(84)
  /// Too many users.
  public static let EUSERS = Errno(87)
  /// Socket operation on non-socket.
  public static let ENOTSOCK = Errno(88)
  /// Destination address required.
  public static let EDESTADDRREQ = Errno(89)
  /// Message too long.
  public static let EMSGSIZE = Errno(90)
  /// Protocol wrong type for socket.
  public static let EPROTOTYPE = Errno(91)
  /// Protocol not available.
  public static let ENOPROTOOPT = Errno(92)
  /// Protocol not supported.
  public static let EPROTONOSUPPORT = Errno(93)
  /// Operation not supported.
  public static let EOPNOTSUPP = Errno(95)
  /// Address family not supported by protocol.
  public static let EAFNOSUPPORT = Errno(97)
  /// Address already in use.
  public static let EADDRINUSE = Errno(98)
  /// Cannot assign requested address.
  public static let EADDRNOTAVAIL = Errno(99)
  /// Network is down.
  public static let ENETDOWN = Errno(100)
  /// Network is unreachable.
  public static let ENETUNREACH = Errno(101)
  /// Software caused connection abort.
  public static let ECONNABORTED = Errno(103)
  /// Connection reset by peer.
  public static let ECONNRESET = Errno(104)
  /// No buffer space available.
  public static let ENOBUFS = Errno(105)
  /// Transport endpoint is already connected.
  public static let EISCONN = Errno(106)
  /// Transport endpoint is not connected.
  public static let ENOTCONN = Errno(107)
  /// Connection timed out.
  public static let ETIMEDOUT = Errno(110)
  /// Connection refused.
  public static let ECONNREFUSED = Errno(111)
  /// No route to host.
  public static let EHOSTUNREACH = Errno(113)
  /// Operation already in progress.
  public static let EALREADY = Errno(114)
  /// Operation now in progress.
  public static let EINPROGRESS = Errno(115)
  /// Stale file handle.
  public static let ESTALE = Errno(116)
  /// Structure needs cleaning.
  public static let EUCLEAN = Errno(117)
  /// Disk quota exceeded.
  public static let EDQUOT = Errno(122)
  /// Operation canceled.
  public static let ECANCELED = Errno(125)
  /// Required key not available.
  public static let ENOKEY = Errno(126)
  /// Key has expired.
  public static let EKEYEXPIRED = Errno(127)
  /// Key has been revoked.
  public static let EKEYREVOKED = Errno(128)
  /// Key was rejected by service.
  public static let EKEYREJECTED = Errno(129)
}
