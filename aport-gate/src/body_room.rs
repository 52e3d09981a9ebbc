//! Bodies of requests, read whole: bounded each in size, and all together in memory.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What every body may hold beside the others, in bytes: as many as there are connections, and more than an
/// ordinary call needs. So large bodies that do not come to an end keep no ordinary call out.
const OF_EACH: usize = 16 * 1024;

/// The memory for all bodies that are there at once.
#[derive(Debug)]
pub(crate) struct BodyRoom(Arc<Semaphore>);

/// What a body takes of the room, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Taken(Option<OwnedSemaphorePermit>);

/// Why a body is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It has more bytes than one body may have.
    TooLarge,
    /// Too many bytes of others are there.
    NoRoom,
    /// It ended before its end.
    EndedEarly,
}

impl BodyRoom {
    /// Room for so many bytes, beyond the small part that each body has for itself.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// The whole body, and what it takes of the room. What has not arrived takes nothing: to announce a large
    /// body costs its sender nothing, so it must not cost others their room.
    pub(crate) async fn read(
        &self,
        mut body: Body,
        at_most: usize,
    ) -> Result<(Bytes, Taken), BodyError> {
        // One piece of memory: kept as they come, pieces of one byte would take many times their size.
        let mut whole = Vec::new();
        let mut taken = Taken(None);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyError::EndedEarly)?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let length = whole.len().saturating_add(data.len());
            if length > at_most {
                return Err(BodyError::TooLarge);
            }
            let counted = length.saturating_sub(whole.len().max(OF_EACH));
            self.take(counted, &mut taken)?;
            whole.extend_from_slice(&data);
        }
        Ok((whole.into(), taken))
    }

    /// Never waits: who waited would hold what the others wait for.
    fn take(&self, bytes: usize, taken: &mut Taken) -> Result<(), BodyError> {
        if bytes == 0 {
            return Ok(());
        }
        let bytes = u32::try_from(bytes).map_err(|_| BodyError::NoRoom)?;
        let more = Arc::clone(&self.0).try_acquire_many_owned(bytes);
        let more = more.map_err(|_| BodyError::NoRoom)?;
        match &mut taken.0 {
            Some(all) => all.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt as _, stream};

    use super::*;

    fn of_pieces(pieces: usize, bytes: usize) -> Body {
        let piece = move |_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes]));
        Body::from_stream(stream::iter(0..pieces).map(piece))
    }

    #[tokio::test]
    async fn room_is_taken_by_what_is_there_and_free_again_afterwards() {
        let room = BodyRoom::new(10_000);
        let large = || room.read(of_pieces(20, 1000), usize::MAX);
        let (bytes, first) = large().await.unwrap();
        assert_eq!(bytes.len(), 20_000);
        assert_eq!(room.0.available_permits(), 10_000 + OF_EACH - 20_000);
        let second = large().await.unwrap();
        assert_eq!(large().await.unwrap_err(), BodyError::NoRoom);
        // Whoever was refused left nothing behind, and who sends little needs no room.
        let (_, small) = room.read(of_pieces(16, 1024), usize::MAX).await.unwrap();
        assert!(small.0.is_none());
        drop(first);
        assert!(large().await.is_ok());
        drop(second);
        assert_eq!(room.0.available_permits(), 10_000);
    }

    #[tokio::test]
    async fn one_body_is_bounded_whatever_room_there_is() {
        let room = BodyRoom::new(usize::MAX);
        assert!(room.read(of_pieces(10, 10), 100).await.is_ok());
        let error = room.read(of_pieces(10, 11), 100).await.unwrap_err();
        assert_eq!(error, BodyError::TooLarge);
    }

    #[tokio::test]
    async fn a_body_that_is_not_sent_on_takes_no_more_than_what_came() {
        let room = BodyRoom::new(10_000);
        let never = of_pieces(20, 1000).into_data_stream();
        let never = Body::from_stream(never.chain(stream::pending()));
        let reading = room.read(never, usize::MAX);
        let short = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(short, reading).await.is_err());
        assert_eq!(room.0.available_permits(), 10_000);
    }
}
