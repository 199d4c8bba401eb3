using System.Diagnostics;
using System.IO.Pipes;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Migrations;

/// <summary>The end of the channel on which a migrator may report: a pipe that it inherits, or on Windows opens by name.</summary>
internal sealed class MigratorInbox : IDisposable
{
    /// <summary>What a migrator has left running may keep its end open.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(1);

    private readonly PipeStream _pipe;
    private readonly string _path;
    private Task _reading = Task.CompletedTask;
    private volatile bool _isOpened;

    private MigratorInbox(PipeStream pipe, string path) => (_pipe, _path) = (pipe, path);

    public static MigratorInbox Create()
    {
        if (OperatingSystem.IsWindows())
        {
            var name = $"pyresolve-{Path.GetRandomFileName()}";
            const PipeOptions Options = PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly;
            return new(
                new NamedPipeServerStream(name, PipeDirection.In, 1, PipeTransmissionMode.Byte, Options), $@"\\.\pipe\{name}");
        }
        var pipe = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.Inheritable);
        return new(pipe, $"/dev/fd/{pipe.GetClientHandleAsString()}");
    }

    public void Announce(ProcessStartInfo start, FileSelection selection)
    {
        start.Environment[MigratorVariables.Version] = MigratorVariables.SupportedVersion;
        start.Environment[MigratorVariables.Channel] = _path;
        start.Environment[MigratorVariables.Include] = string.Join('\n', selection.Include);
        start.Environment[MigratorVariables.Exclude] = string.Join('\n', selection.Exclude);
    }

    /// <summary>Once the migrator has been started.</summary>
    public void StartReading(MigratorReport report)
    {
        // With this end open, the pipe would never end.
        (_pipe as AnonymousPipeServerStream)?.DisposeLocalCopyOfClientHandle();
        _isOpened = _pipe is AnonymousPipeServerStream;
        _reading = Task.Run(async () =>
        {
            try
            {
                if (_pipe is NamedPipeServerStream named)
                    await named.WaitForConnectionAsync();
                _isOpened = true;
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                return;
            }
            await MigratorMessages.ReadAsync(_pipe, report.Take, report.Ignore);
        });
    }

    /// <summary>What the migrator had sent when it ended is read.</summary>
    public Task DrainAsync() => _isOpened
        ? Task.WhenAny(_reading, Task.Delay(DrainTime, CancellationToken.None))
        : Task.CompletedTask;

    public void Dispose() => _pipe.Dispose();
}
