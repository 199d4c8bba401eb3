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
    private readonly List<PosixSignalRegistration> _registrations;

    public StopSignals() => _registrations = [.. Handled.Select(signal => PosixSignalRegistration.Create(signal, Receive))];

    /// <summary>The first signal; <see langword="null"/> before it.</summary>
    public PosixSignal? Received { get; private set; }

    public CancellationToken Requested => _first.Token;

    public CancellationToken Repeated => _second.Token;

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
        bool isFirst;
        lock (_lock)
        {
            isFirst = Received is null;
            Received ??= context.Signal;
        }
        if (!isFirst && context.Signal == PosixSignal.SIGHUP)
            return;
        (isFirst ? _first : _second).Cancel();
    }
}
