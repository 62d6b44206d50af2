//! The timers of timer_create(2). Since 2.34 a timer_t is the kernel's number, or the address of an object, shifted, where a thread is started; before,
//! it is always the address of an object (kernel-posix-timers.h).
use crate::kernel;

/// The first words of the sigevent(3type) that a timer was made with: value, signal and (upper half) notification, function or thread; all zero: none.
pub type TimerEvent = [usize; 3];

/// How a timer tells that it rang: SIGEV_SIGNAL and so on.
pub fn notification(event: &TimerEvent) -> i32 {
    (event[1] >> 32) as i32
}

/// The kernel's number of a timer that is alive; None unknown.
pub fn timer_number(timer: usize, event: &TimerEvent) -> Option<usize> {
    if (timer as isize) < 0 {
        let [number, function, value]: [usize; 3] = kernel::read_value(timer << 1)?;
        return ([function, value] == [event[2], event[0]]).then_some(number as u32 as usize);
    }
    // The heap of a program that is not position independent lies where numbers could.
    if i32::try_from(timer).is_ok() && kernel::timer_value(timer).is_some() {
        return Some(timer);
    }
    let [how, number]: [u32; 2] = kernel::read_value(timer)?;
    (how as i32 == notification(event)).then_some(number as usize)
}
