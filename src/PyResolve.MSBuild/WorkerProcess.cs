using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;

namespace PyResolve.MSBuild;

/// <summary>The worker while it runs. It stops by itself when its input ends, also because this process is gone. Thread-safe.</summary>
internal sealed class WorkerProcess : IDisposable
{
    /// <summary>For giving back what it holds, and for a migrator to end.</summary>
    public static readonly TimeSpan StopTime = TimeSpan.FromSeconds(15);

    private const int KeptErrorLines = 20;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly Process _process;
    private readonly Timer _limit;
    private readonly Queue<string> _errors = new();

    private WorkerProcess(Process process, TimeSpan limit)
    {
        _process = process;
        _limit = new Timer(_ => Kill(), null, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether it has written no line so far.</summary>
    public bool IsSilent { get; private set; } = true;

    /// <summary>Whether it was ended because it did not end in time.</summary>
    public bool IsKilled { get; private set; }

    /// <summary>The last of what it wrote to its standard error.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
                return string.Join(" ", _errors);
        }
    }

    /// <param name="limit">When it is ended, unless it has ended by then; infinite: never.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program, or it may not be run.</exception>
    public static WorkerProcess Start(
        string program, string arguments, string workingDirectory, IEnumerable<string> request, TimeSpan limit)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false,
                CreateNoWindow = true,
                WorkingDirectory = workingDirectory,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardOutputEncoding = Utf8,
                StandardErrorEncoding = Utf8,
            },
        };
        process.Start();
        var started = new WorkerProcess(process, limit);
        process.ErrorDataReceived += (_, received) => started.AddError(received.Data);
        process.BeginErrorReadLine();
        started.Send(request);
        return started;
    }

    /// <summary>The next line that it writes; <see langword="null"/> at the end.</summary>
    public string? ReadLine()
    {
        var line = _process.StandardOutput.ReadLine();
        if (line is not null)
            IsSilent = false;
        return line;
    }

    /// <summary>Ends it unless it has ended by then.</summary>
    public void Limit(TimeSpan time) => _limit.Change(time, Timeout.InfiniteTimeSpan);

    /// <summary>Asks it to give back what it holds, and to end.</summary>
    public void Stop()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It has ended.
        }
    }

    public void Dispose()
    {
        _limit.Dispose();
        _process.Dispose();
    }

    private void Send(IEnumerable<string> request)
    {
        var bytes = Utf8.GetBytes(string.Join("\n", request) + "\n");
        try
        {
            _process.StandardInput.BaseStream.Write(bytes, 0, bytes.Length);
            _process.StandardInput.BaseStream.Flush();
        }
        catch (IOException)
        {
            // It ended before it had read everything: what it wrote says why.
        }
    }

    private void AddError(string? line)
    {
        if (line is not { Length: > 0 })
            return;
        lock (_errors)
        {
            _errors.Enqueue(line.Trim());
            if (_errors.Count > KeptErrorLines)
                _errors.Dequeue();
        }
    }

    private void Kill()
    {
        try
        {
            IsKilled = true;
            _process.Kill();
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It has ended.
        }
    }
}
