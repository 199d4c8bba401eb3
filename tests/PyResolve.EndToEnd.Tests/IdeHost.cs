using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace PyResolve.EndToEnd.Tests;

/// <summary>The host of samples/IdeExtension, spoken to in JSON-RPC as an IDE does: a header with the length, then the message.</summary>
internal sealed class IdeHost : IDisposable
{
    private static readonly string Assembly =
        typeof(IdeHost).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(m => m.Key == "PyResolve.IdeHost").Value!;

    private readonly Process _process;
    private int _lastId;

    public IdeHost(Uri server, string home, string? apiKey = null)
    {
        var start = new ProcessStartInfo(Packages.DotNet.Path, [Assembly])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["PYRESOLVE_API_URL"] = server.OriginalString;
        start.Environment["PYRESOLVE_HOME"] = home;
        start.Environment["PYRESOLVE_API_KEY"] = apiKey;
        _process = Process.Start(start)!;
    }

    /// <summary>The answer to a request: a result, or an error.</summary>
    public async Task<JsonElement> AskAsync(string method, params string[] parameters)
    {
        await SendAsync(method, parameters);
        return await ReadAsync();
    }

    public async Task SendAsync(string method, params string[] parameters)
    {
        var request = new Dictionary<string, object?>
        {
            ["jsonrpc"] = "2.0",
            ["id"] = ++_lastId,
            ["method"] = method,
            ["params"] = parameters,
        };
        var body = JsonSerializer.SerializeToUtf8Bytes(request);
        var header = Encoding.ASCII.GetBytes($"Content-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n");
        var input = _process.StandardInput.BaseStream;
        await input.WriteAsync((byte[])[.. header, .. body], TestContext.Current.CancellationToken);
        await input.FlushAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The next message of the host: an answer or a notification.</summary>
    public async Task<JsonElement> ReadAsync()
    {
        var length = 0;
        while (await ReadHeaderAsync() is { Length: > 0 } header)
        {
            if (header.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(header.AsSpan("Content-Length: ".Length), CultureInfo.InvariantCulture);
        }
        var body = new byte[length];
        await _process.StandardOutput.BaseStream.ReadExactlyAsync(body, TestContext.Current.CancellationToken);
        using var message = JsonDocument.Parse(body);
        return message.RootElement.Clone();
    }

    /// <summary>What an IDE does when it ends.</summary>
    public async Task<int> EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private async Task<string> ReadHeaderAsync()
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (line.Length < 2 || line[^2] != '\r' || line[^1] != '\n')
        {
            await _process.StandardOutput.BaseStream.ReadExactlyAsync(one, TestContext.Current.CancellationToken);
            line.Append((char)one[0]);
        }
        return line.ToString(0, line.Length - 2);
    }
}
