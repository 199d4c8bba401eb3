using System.Runtime.InteropServices;
using System.Text;
using PyResolve.MSBuild;

namespace PyResolve.Gate;

/// <summary>
/// What ends the gate early: the end of standard input, which is what the build sends, or leaves when it is killed; and the signals that
/// a terminal sends to the whole build.
/// </summary>
internal sealed class StopRequests : IDisposable
{
    private static readonly PosixSignal[] Handled = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly StreamReader _input = new(Console.OpenStandardInput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));

    public CancellationToken Token => _stop.Token;

    /// <summary>The lines of the request, up to the one that ends it.</summary>
    public IEnumerable<string> ReadRequest()
    {
        while (_input.ReadLine() is { } line && line != GateLine.Begin)
            yield return line;
    }

    public void ListenToInput()
    {
        var thread = new Thread(() =>
        {
            while (_input.ReadLine() is not null)
            {
            }
            _stop.Cancel();
        })
        {
            IsBackground = true,
        };
        thread.Start();
    }

    public void ListenToSignals()
    {
        foreach (var signal in Handled)
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                _stop.Cancel();
            }));
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }
}
