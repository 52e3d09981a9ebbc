//! What ends a server in order: SIGTERM or Ctrl-C.

/// Ready when the process is asked to end. Listens from the call on, for as long as the process lives: a
/// further signal ends nothing sooner.
pub(crate) fn signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut asked = asked()?;
    Ok(async move { asked.recv().await })
}

#[cfg(unix)]
struct Asked {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
fn asked() -> std::io::Result<Asked> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Asked {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    })
}

#[cfg(unix)]
impl Asked {
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Asked {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
fn asked() -> std::io::Result<Asked> {
    use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
    Ok(Asked {
        interrupt: ctrl_c()?,
        close: ctrl_close()?,
        shutdown: ctrl_shutdown()?,
    })
}

#[cfg(windows)]
impl Asked {
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}
