using System.Runtime.InteropServices;

namespace PyResolve.Cli.Base;

/// <summary>
/// The signals that end this program: Ctrl+C (SIGINT), SIGTERM, SIGHUP (the terminal was closed) and SIGQUIT. The first asks it to stop,
/// the second to stop without waiting: not SIGHUP, which a shell and then the kernel send when a terminal is closed. A signal that this
/// process was started with as ignored stays ignored.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private static readonly PosixSignal[] Handled = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _first = new();
    private readonly CancellationTokenSource _second = new();
    private readonly List<IDisposable> _registrations;

    public StopSignals() =>
        _registrations = [.. Handled.Select(signal => PosixSignalRegistration.Create(signal, Receive))];

    private StopSignals(StopSignals all, CancellationToken cancelled) => _registrations =
    [
        all.Requested.Register(() => Stop(all.Received!.Value)),
        all.Repeated.Register(_second.Cancel),
        cancelled.Register(() => Stop(PosixSignal.SIGTERM)),
    ];

    /// <summary>The first signal; <see langword="null"/> before it.</summary>
    public PosixSignal? Received { get; private set; }

    public CancellationToken Requested => _first.Token;

    public CancellationToken Repeated => _second.Token;

    /// <summary>For one of several pieces of work: what stops all stops it, and it alone is stopped, as by SIGTERM, by a token.</summary>
    public StopSignals ForOne(CancellationToken cancelled) => new(this, cancelled);

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    private void Receive(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!Stop(context.Signal) && context.Signal != PosixSignal.SIGHUP)
            _second.Cancel();
    }

    /// <returns>Whether it is the first.</returns>
    private bool Stop(PosixSignal signal)
    {
        lock (_lock)
        {
            if (Received is not null)
                return false;
            Received = signal;
        }
        _first.Cancel();
        return true;
    }
}
