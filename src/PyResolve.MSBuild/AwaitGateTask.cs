using System.ComponentModel;
using Microsoft.Build.Framework;

namespace PyResolve.MSBuild;

/// <summary>Waits for the worker that <see cref="StartGateTask"/> has started, and logs what it says.</summary>
public sealed class AwaitGateTask : Microsoft.Build.Utilities.Task, ICancelableTask
{
    private readonly object _lock = new();
    private WorkerProcess? _worker;
    private bool _isCancelled;

    /// <summary>What the start has returned.</summary>
    [Required]
    public string Gate { get; set; } = "";

    [Required]
    public string ProjectFile { get; set; } = "";

    public override bool Execute()
    {
        var engine = (IBuildEngine4)BuildEngine;
        var started = (StartedGate)engine.UnregisterTaskObject(Gate, RegisteredTaskObjectLifetime.Build);
        var log = new GateLog(Log, ProjectFile);
        using (started)
        {
            try
            {
                string[]? end;
                do
                {
                    end = Follow(started.Worker, log);
                }
                while (end is null && !_isCancelled && started.TryPortable());
                if (end is null && !_isCancelled)
                    ReportEarlyEnd(started.Worker, log);
                if (end is not [_, "passed", var text] || Log.HasLoggedErrors)
                    return false;
                started.Remember(text);
                return true;
            }
            catch (Win32Exception e)
            {
                log.ReportNoRuntime(e);
                return false;
            }
        }
    }

    public void Cancel()
    {
        lock (_lock)
        {
            _isCancelled = true;
            EndSoon();
        }
    }

    private void EndSoon()
    {
        _worker?.Stop();
        _worker?.Limit(WorkerProcess.StopTime);
    }

    /// <returns>The worker's last message; <see langword="null"/> when it did not come so far.</returns>
    private string[]? Follow(WorkerProcess worker, GateLog log)
    {
        lock (_lock)
        {
            _worker = worker;
            if (_isCancelled)
                EndSoon();
        }

        string[]? end = null;
        while (worker.ReadLine() is { } line)
        {
            switch (GateLine.Split(line))
            {
                case [GateLine.Log, var level, var code, var text]:
                    log.Line(level, code, text);
                    break;
                case [GateLine.End, ..] words:
                    end = words;
                    break;
            }
        }

        lock (_lock)
            _worker = null;
        return end;
    }

    private static void ReportEarlyEnd(WorkerProcess worker, GateLog log)
    {
        var written = worker.Errors is { Length: > 0 } errors ? errors : "It wrote nothing.";
        var reason = worker.IsKilled ? "It did not end in time." : written;
        log.Report(GateDiagnostics.WorkerFailed, $"The gate's worker ended too early. {reason}");
    }
}
