using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Email;

/// <summary>A mail server on loopback that accepts emails, or refuses them as a test wants.</summary>
internal sealed class TestSmtpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _goodbyes;

    public TestSmtpServer()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The answers to RCPT, one by one; the last one is repeated.</summary>
    public ConcurrentQueue<string> RecipientAnswers { get; } = new();

    /// <summary>Whether connections are accepted and never answered.</summary>
    public bool IsSilent { get; init; }

    public ConcurrentQueue<string> Emails { get; } = new();

    /// <summary>The token in the newest email whose link leads to <paramref name="page"/>.</summary>
    public string TokenOf(string page) =>
        Emails
            .Select(email => Regex.Match(
                email.Replace("=\n", ""), $@"/{page}\?token=(3D)?(?<token>[\w-]+)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)))
            .Last(match => match.Success).Groups["token"].Value;

    public ConcurrentQueue<string> Commands { get; } = new();

    /// <summary>How many connections have ended.</summary>
    public int Goodbyes => Volatile.Read(ref _goodbyes);

    public int RecipientsSeen => Commands.Count(command => command.StartsWith("RCPT", StringComparison.Ordinal));

    public Dictionary<string, string?> Settings(string tls = "none") => new()
    {
        ["PyResolve:Smtp:Host"] = "127.0.0.1",
        ["PyResolve:Smtp:Port"] = Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["PyResolve:Smtp:From"] = "PyResolve <billing@example.com>",
        ["PyResolve:Smtp:Tls"] = tls,
    };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            _ = TalkAsync(client);
        }
    }

    private async Task TalkAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                if (IsSilent)
                    await Task.Delay(Timeout.InfiniteTimeSpan, _stop.Token);
                await using var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.UTF8);
                await using var writer = new StreamWriter(stream, new UTF8Encoding(false)) { NewLine = "\r\n", AutoFlush = true };
                await TalkAsync(reader, writer);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException)
            {
                // The other side left, or the test is over.
            }

            Interlocked.Increment(ref _goodbyes);
        }
    }

    private async Task TalkAsync(StreamReader reader, StreamWriter writer)
    {
        await writer.WriteLineAsync("220 test");
        while (await reader.ReadLineAsync(_stop.Token) is { } command)
        {
            Commands.Enqueue(command);
            switch (command.Split(' ')[0].ToUpperInvariant())
            {
                case "DATA":
                    await writer.WriteLineAsync("354 go on");
                    Emails.Enqueue(await ReadEmailAsync(reader));
                    await writer.WriteLineAsync("250 taken");
                    break;
                case "RCPT":
                    await writer.WriteLineAsync(
                        RecipientAnswers.Count > 1 && RecipientAnswers.TryDequeue(out var answer)
                            ? answer
                            : RecipientAnswers.FirstOrDefault() ?? "250 fine");
                    break;
                case "QUIT":
                    await writer.WriteLineAsync("221 bye");
                    return;
                default:
                    await writer.WriteLineAsync("250 fine");
                    break;
            }
        }
    }

    private async Task<string> ReadEmailAsync(StreamReader reader)
    {
        var email = new StringBuilder();
        while (await reader.ReadLineAsync(_stop.Token) is { } line and not ".")
            email.AppendLine(line);
        return email.ToString();
    }
}
