//! Records what a program does to the files of one folder, in one order. A library for `LD_PRELOAD`.
//!
//! It is compiled by `rustc` alone, when the scenario runs, and is no part of the workspace: replacing functions of the C library
//! needs `unsafe`, which the workspace forbids.
//!
//! A lock is held over each call and its record, so the order of the records is an order in which the calls took effect. A sync has
//! two records and no lock: what was written before it began is durable when it has ended.
//!
//! The index of SQLite's write-ahead log (`-shm`) is shared memory that is not recorded. SQLite never relies on its contents after
//! a crash: the first connection builds it anew.

#![allow(unused_unsafe, reason = "the macros are used within and outside of unsafe blocks")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::mem::transmute;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
    fn lseek(file: c_int, offset: i64, whence: c_int) -> i64;
    fn fcntl(file: c_int, command: c_int, ...) -> c_int;
    fn access(path: *const c_char, mode: c_int) -> c_int;
    fn getenv(name: *const c_char) -> *const c_char;
}

const RTLD_NEXT: *mut c_void = -1_isize as *mut c_void;
const O_CREAT: c_int = 0o100;
const O_TRUNC: c_int = 0o1000;
const O_APPEND: c_int = 0o2000;
const F_GETFL: c_int = 3;
const SEEK_CUR: c_int = 1;
const SEEK_END: c_int = 2;
const PROT_WRITE: c_int = 2;
const MAP_SHARED: c_int = 1;

/// The function of this name and type that is replaced.
macro_rules! real {
    ($name:literal, fn($($argument:ty),*) -> $result:ty) => {{
        static ADDRESS: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
        let mut address = ADDRESS.load(Ordering::Relaxed);
        if address.is_null() {
            address = unsafe { dlsym(RTLD_NEXT, $name.as_ptr()) };
            assert!(!address.is_null());
            ADDRESS.store(address, Ordering::Relaxed);
        }
        unsafe { transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) -> $result>(address) }
    }};
}

struct Recorder {
    /// The folder whose files are recorded, with a slash at its end.
    folder: Vec<u8>,
    log: c_int,
}

static RECORDER: OnceLock<Recorder> = OnceLock::new();
static ORDER: Mutex<()> = Mutex::new(());
static NEXT: AtomicU32 = AtomicU32::new(1);
/// By file descriptor: the number of the open file, if it is one of the folder.
static OPEN: [AtomicU32; 4096] = [const { AtomicU32::new(0) }; 4096];

/// The kinds of records. `log.rs` reads them.
const START: u8 = 0;
const OPENED: u8 = 1;
const WRITE: u8 = 2;
const TRUNCATE: u8 = 3;
const SYNC_BEGIN: u8 = 4;
const SYNC_END: u8 = 5;
const RENAME: u8 = 6;
const UNLINK: u8 = 7;
const UNSUPPORTED: u8 = 8;

#[used]
#[unsafe(link_section = ".init_array")]
static START_RECORDING: extern "C" fn() = {
    extern "C" fn start() {
        let [folder, log] = [c"RECORDER_FOLDER", c"RECORDER_LOG"].map(|name| unsafe { getenv(name.as_ptr()) });
        if folder.is_null() || log.is_null() {
            return;
        }
        let mut folder = unsafe { CStr::from_ptr(folder) }.to_bytes().to_vec();
        folder.push(b'/');
        // Created, appended to, and not inherited.
        let log = real!(c"open64", fn(*const c_char, c_int, c_uint) -> c_int);
        let path = unsafe { getenv(c"RECORDER_LOG".as_ptr()) };
        let log = unsafe { log(path, 0o1 | O_CREAT | O_APPEND | 0o2000000, 0o600) };
        assert!(log >= 0);
        let _ = RECORDER.set(Recorder { folder, log });
        record(&lock(), START, &[]);
    }
    start
};

fn lock() -> MutexGuard<'static, ()> {
    ORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Appends a record: its length, its kind and its fields. `errno` stays as the call left it.
fn record(_order: &MutexGuard<'static, ()>, kind: u8, fields: &[&[u8]]) {
    let Some(recorder) = RECORDER.get() else { return };
    let errno = unsafe { *__errno_location() };
    let length = 5 + fields.iter().map(|field| field.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.push(kind);
    fields.iter().for_each(|field| bytes.extend_from_slice(field));
    let write = real!(c"write", fn(c_int, *const c_void, usize) -> isize);
    let written = unsafe { write(recorder.log, bytes.as_ptr().cast(), bytes.len()) };
    assert!(written == bytes.len() as isize, "the recording is incomplete");
    unsafe { *__errno_location() = errno };
}

/// The name in the folder; empty for the folder itself. `None` for what is not recorded.
fn name_of(path: *const c_char) -> Option<&'static [u8]> {
    let folder = &RECORDER.get()?.folder;
    // Lives as long as the call.
    let path: &'static [u8] = unsafe { CStr::from_ptr(path) }.to_bytes();
    if path == &folder[..folder.len() - 1] {
        return Some(b"");
    }
    path.strip_prefix(folder.as_slice()).filter(|name| !name.ends_with(b"-shm"))
}

fn number_of(file: c_int) -> Option<u32> {
    let number = OPEN.get(usize::try_from(file).ok()?)?.load(Ordering::Relaxed);
    (number != 0).then_some(number)
}

fn opening(path: *const c_char, flags: c_int, mode: c_uint, open: impl FnOnce() -> c_int) -> c_int {
    let Some(name) = name_of(path) else { return open() };
    let order = lock();
    let created = flags & O_CREAT != 0 && unsafe { access(path, 0) } != 0;
    let file = open();
    if file >= 0 {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        OPEN[file as usize].store(number, Ordering::Relaxed);
        let changes = u8::from(created) | u8::from(flags & O_TRUNC != 0) << 1;
        record(&order, OPENED, &[&number.to_le_bytes(), &[changes], &mode.to_le_bytes(), name]);
    }
    file
}

/// A write at an offset, or at the position of the file.
fn writing(file: c_int, offset: Option<i64>, parts: &[&[u8]], write: impl FnOnce() -> isize) -> isize {
    let Some(number) = number_of(file) else { return write() };
    let order = lock();
    let offset = offset.unwrap_or_else(|| unsafe {
        lseek(file, 0, if fcntl(file, F_GETFL) & O_APPEND == 0 { SEEK_CUR } else { SEEK_END })
    });
    let written = write();
    if written > 0 {
        let mut bytes = parts.concat();
        bytes.truncate(written as usize);
        record(&order, WRITE, &[&number.to_le_bytes(), &offset.to_le_bytes(), &bytes]);
    }
    written
}

fn syncing(file: c_int, sync: impl FnOnce() -> c_int) -> c_int {
    let Some(number) = number_of(file) else { return sync() };
    record(&lock(), SYNC_BEGIN, &[&number.to_le_bytes()]);
    let result = sync();
    if result == 0 {
        record(&lock(), SYNC_END, &[&number.to_le_bytes()]);
    }
    result
}

/// A call that the replay does not know.
fn unsupported(is_recorded: bool, what: &CStr) {
    if is_recorded {
        record(&lock(), UNSUPPORTED, &[what.to_bytes()]);
    }
}

unsafe fn bytes<'a>(start: *const c_void, length: usize) -> &'a [u8] {
    unsafe { std::slice::from_raw_parts(start.cast(), length) }
}

#[repr(C)]
pub struct Part(*const c_void, usize);

unsafe fn parts<'a>(parts: *const Part, count: c_int) -> Vec<&'a [u8]> {
    unsafe { std::slice::from_raw_parts(parts, count as usize) }
        .iter()
        .map(|part| unsafe { bytes(part.0, part.1) })
        .collect()
}

/// Functions that the C library has under two names, since offsets have 64 bits under both.
macro_rules! replace {
    ($($name:ident $real:literal ($($argument:ident: $type:ty),*) -> $result:ty { |$call:ident| $body:expr })*) => {
        $(
            /// # Safety
            /// As that of the C library.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($argument: $type),*) -> $result {
                let $call = || unsafe { real!($real, fn($($type),*) -> $result)($($argument),*) };
                $body
            }
        )*
    };
}

replace! {
    open c"open" (path: *const c_char, flags: c_int, mode: c_uint) -> c_int { |call| opening(path, flags, mode, call) }
    open64 c"open64" (path: *const c_char, flags: c_int, mode: c_uint) -> c_int { |call| opening(path, flags, mode, call) }
    openat c"openat" (_at: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
        |call| opening(path, flags, mode, call)
    }
    openat64 c"openat64" (_at: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
        |call| opening(path, flags, mode, call)
    }
    creat c"creat" (path: *const c_char, mode: c_uint) -> c_int { |call| opening(path, O_CREAT | O_TRUNC, mode, call) }
    creat64 c"creat64" (path: *const c_char, mode: c_uint) -> c_int { |call| opening(path, O_CREAT | O_TRUNC, mode, call) }
    close c"close" (file: c_int) -> c_int {
        |call| {
            // Before another thread can get the same descriptor.
            if let Some(open) = usize::try_from(file).ok().and_then(|file| OPEN.get(file)) {
                open.store(0, Ordering::Relaxed);
            }
            call()
        }
    }
    write c"write" (file: c_int, start: *const c_void, length: usize) -> isize {
        |call| writing(file, None, &[unsafe { bytes(start, length) }], call)
    }
    pwrite c"pwrite" (file: c_int, start: *const c_void, length: usize, offset: i64) -> isize {
        |call| writing(file, Some(offset), &[unsafe { bytes(start, length) }], call)
    }
    pwrite64 c"pwrite64" (file: c_int, start: *const c_void, length: usize, offset: i64) -> isize {
        |call| writing(file, Some(offset), &[unsafe { bytes(start, length) }], call)
    }
    writev c"writev" (file: c_int, list: *const Part, count: c_int) -> isize {
        |call| if number_of(file).is_none() { call() } else { writing(file, None, &unsafe { parts(list, count) }, call) }
    }
    pwritev c"pwritev" (file: c_int, list: *const Part, count: c_int, offset: i64) -> isize {
        |call| if number_of(file).is_none() { call() } else { writing(file, Some(offset), &unsafe { parts(list, count) }, call) }
    }
    pwritev64 c"pwritev64" (file: c_int, list: *const Part, count: c_int, offset: i64) -> isize {
        |call| if number_of(file).is_none() { call() } else { writing(file, Some(offset), &unsafe { parts(list, count) }, call) }
    }
    ftruncate c"ftruncate" (file: c_int, length: i64) -> c_int { |call| truncating(file, length, call) }
    ftruncate64 c"ftruncate64" (file: c_int, length: i64) -> c_int { |call| truncating(file, length, call) }
    fsync c"fsync" (file: c_int) -> c_int { |call| syncing(file, call) }
    fdatasync c"fdatasync" (file: c_int) -> c_int { |call| syncing(file, call) }
    rename c"rename" (from: *const c_char, to: *const c_char) -> c_int {
        |call| {
            let (from, to) = (name_of(from), name_of(to));
            let order = lock();
            let result = call();
            match (from, to) {
                (Some(from), Some(to)) if result == 0 => {
                    record(&order, RENAME, &[&(from.len() as u32).to_le_bytes(), from, to]);
                }
                (None, None) => {}
                _ if result == 0 => record(&order, UNSUPPORTED, &[b"rename into or out of the folder"]),
                _ => {}
            }
            result
        }
    }
    unlink c"unlink" (path: *const c_char) -> c_int {
        |call| {
            let Some(name) = name_of(path) else { return call() };
            let order = lock();
            let result = call();
            if result == 0 {
                record(&order, UNLINK, &[name]);
            }
            result
        }
    }
    mmap c"mmap" (at: *mut c_void, length: usize, protection: c_int, flags: c_int, file: c_int, offset: i64) -> *mut c_void {
        |call| mapping(protection, flags, file, call)
    }
    mmap64 c"mmap64" (at: *mut c_void, length: usize, protection: c_int, flags: c_int, file: c_int, offset: i64) -> *mut c_void {
        |call| mapping(protection, flags, file, call)
    }
    // None of these is used today.
    truncate c"truncate" (path: *const c_char, length: i64) -> c_int {
        |call| { unsupported(name_of(path).is_some(), c"truncate"); call() }
    }
    truncate64 c"truncate64" (path: *const c_char, length: i64) -> c_int {
        |call| { unsupported(name_of(path).is_some(), c"truncate64"); call() }
    }
    fallocate c"fallocate" (file: c_int, mode: c_int, offset: i64, length: i64) -> c_int {
        |call| { unsupported(number_of(file).is_some(), c"fallocate"); call() }
    }
    fallocate64 c"fallocate64" (file: c_int, mode: c_int, offset: i64, length: i64) -> c_int {
        |call| { unsupported(number_of(file).is_some(), c"fallocate64"); call() }
    }
    posix_fallocate c"posix_fallocate" (file: c_int, offset: i64, length: i64) -> c_int {
        |call| { unsupported(number_of(file).is_some(), c"posix_fallocate"); call() }
    }
    posix_fallocate64 c"posix_fallocate64" (file: c_int, offset: i64, length: i64) -> c_int {
        |call| { unsupported(number_of(file).is_some(), c"posix_fallocate64"); call() }
    }
    unlinkat c"unlinkat" (at: c_int, path: *const c_char, flags: c_int) -> c_int {
        |call| { unsupported(name_of(path).is_some(), c"unlinkat"); call() }
    }
    link c"link" (from: *const c_char, to: *const c_char) -> c_int {
        |call| { unsupported(name_of(to).is_some(), c"link"); call() }
    }
    linkat c"linkat" (at: c_int, from: *const c_char, at_to: c_int, to: *const c_char, flags: c_int) -> c_int {
        |call| { unsupported(name_of(to).is_some(), c"linkat"); call() }
    }
}

fn truncating(file: c_int, length: i64, truncate: impl FnOnce() -> c_int) -> c_int {
    let Some(number) = number_of(file) else { return truncate() };
    let order = lock();
    let result = truncate();
    if result == 0 {
        record(&order, TRUNCATE, &[&number.to_le_bytes(), &length.to_le_bytes()]);
    }
    result
}

fn mapping(protection: c_int, flags: c_int, file: c_int, map: impl FnOnce() -> *mut c_void) -> *mut c_void {
    let writes = protection & PROT_WRITE != 0 && flags & MAP_SHARED != 0;
    unsupported(writes && number_of(file).is_some(), c"mmap, for writing");
    map()
}
