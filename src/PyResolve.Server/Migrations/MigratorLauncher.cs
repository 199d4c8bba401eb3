using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO.Pipes;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Server.Migrations;

/// <summary>A migrator that was started, with the end of its channel that the server reads.</summary>
internal sealed record StartedMigrator(Process Process, AnonymousPipeServerStream Channel) : IDisposable
{
    public void Dispose()
    {
        Channel.Dispose();
        Process.Dispose();
    }
}

/// <summary>
/// Starts processes one after the other, so that none inherits another's channel, on one thread that lives as long as the server: what
/// ends with its parent would end with the thread that started it.
/// </summary>
internal sealed class MigratorLauncher : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];

    public MigratorLauncher() => new Thread(() =>
    {
        foreach (var start in _work.GetConsumingEnumerable())
            start();
    })
    { IsBackground = true, Name = "migrator launcher" }.Start();

    /// <exception cref="OperationCanceledException">It was cancelled before its turn, or the server has stopped.</exception>
    public Task<StartedMigrator> StartAsync(ProcessStartInfo start, int? userId, CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource<StartedMigrator>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            _work.Add(Begin, cancellationToken);
        }
        catch (InvalidOperationException) when (_work.IsAddingCompleted)
        {
            started.SetCanceled(cancellationToken);
        }

        return started.Task;

        void Begin()
        {
            if (cancellationToken.IsCancellationRequested)
            {
                started.SetCanceled(cancellationToken);
                return;
            }

            try
            {
                started.SetResult(Start(start, userId));
            }
            catch (Exception exception)
            {
                started.SetException(exception);
            }
        }
    }

    public void Dispose() => _work.CompleteAdding();

    private static StartedMigrator Start(ProcessStartInfo start, int? userId)
    {
        var channel = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.Inheritable);
        try
        {
            // The migrator opens it anew, by its path, which only its owner may.
            if (userId is { } id)
                NativeFiles.GiveHandle((int)channel.ClientSafePipeHandle.DangerousGetHandle(), id);
            start.Environment[MigratorVariables.Version] = MigratorVariables.SupportedVersion;
            start.Environment[MigratorVariables.Channel] = $"/dev/fd/{channel.GetClientHandleAsString()}";
            start.Environment[MigratorVariables.Include] = "";
            start.Environment[MigratorVariables.Exclude] = "";
            var process = Process.Start(start) ?? throw new InvalidOperationException("No process was started.");
            channel.DisposeLocalCopyOfClientHandle();
            process.StandardInput.Close();
            return new StartedMigrator(process, channel);
        }
        catch
        {
            channel.Dispose();
            throw;
        }
    }
}
