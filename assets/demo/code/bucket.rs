//! A token bucket: lets short bursts through and holds the long-term average.
//!
//! The bucket gains `per_second` tokens each second and never holds more than `capacity`. A request takes
//! one; if there is none, it is told how long until there is. Nothing runs in the background: the level is
//! worked out from the time that has passed since it was last looked at.

use std::time::{Duration, Instant};

pub struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    seen: Instant,
}

impl Bucket {
    /// Starts full, so that the first burst is allowed.
    pub fn new(capacity: u32, per_second: f64, now: Instant) -> Self {
        assert!(capacity > 0 && per_second > 0.0);
        Self { capacity: capacity.into(), per_second, level: capacity.into(), seen: now }
    }

    /// Takes one token, or says how long the caller has to wait for it.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        // A clock handed in by the caller may lie in the past; that must not drain the bucket.
        let passed = now.saturating_duration_since(self.seen).as_secs_f64();
        self.seen = self.seen.max(now);
        self.level = (self.level + passed * self.per_second).min(self.capacity);
        if self.level >= 1.0 {
            self.level -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.level) / self.per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_then_steady() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3, 2.0, start);
        assert!((0..3).all(|_| bucket.take(start).is_ok()));
        assert_eq!(bucket.take(start), Err(Duration::from_millis(500)));
        assert!(bucket.take(start + Duration::from_millis(500)).is_ok());
    }
}
