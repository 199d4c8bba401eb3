using System.Diagnostics;

namespace Tour;

/// <summary>The real server as a separate process, on embedded SQLite and a free port.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const string ListeningMark = "Now listening on: ";
    private const int KeptLines = 25;
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    private readonly Queue<string> _log = new();
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process _process;

    private ServerProcess(string dataFolder)
    {
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(Programs.DotNet, [Programs.Server])
            {
                WorkingDirectory = dataFolder,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["ASPNETCORE_ENVIRONMENT"] = "Development",
                    ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
                    ["PYRESOLVE_DATA"] = dataFolder,
                },
            },
            EnableRaisingEvents = true,
        };
        foreach (var (name, value) in Catalogue.ReadSettings())
            _process.StartInfo.Environment[name] = value;
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Exited += (_, _) => _listening.TrySetException(new TourException("The server ended before it was ready."));
    }

    public Uri Address => _listening.Task.Result;

    /// <summary>The last lines of its output.</summary>
    public IReadOnlyList<string> Log
    {
        get
        {
            lock (_log)
                return [.. _log];
        }
    }

    /// <summary>Starts the process. <see cref="WaitUntilReadyAsync"/> waits until it answers.</summary>
    public static ServerProcess Start(string dataFolder)
    {
        var server = new ServerProcess(dataFolder);
        server._process.Start();
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        return server;
    }

    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(StartDeadline);
        try
        {
            var ready = new Uri(await _listening.Task.WaitAsync(deadline.Token), "/health/ready");
            using var http = new HttpClient();
            while (!await IsReadyAsync(http, ready, deadline.Token))
                await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TourException($"The server was not ready within {StartDeadline.TotalSeconds} s.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, Uri ready, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(ready, cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_log)
        {
            _log.Enqueue(line);
            if (_log.Count > KeptLines)
                _log.Dequeue();
        }
        var mark = line.IndexOf(ListeningMark, StringComparison.Ordinal);
        if (mark >= 0 && Uri.TryCreate(line[(mark + ListeningMark.Length)..].Trim(), UriKind.Absolute, out var address))
            _listening.TrySetResult(address);
    }
}
