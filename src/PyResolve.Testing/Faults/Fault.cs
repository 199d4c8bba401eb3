using System.Net;
using System.Net.Sockets;
using System.Text;
using PyResolve.Client.Wire;
using PyResolve.Testing.Contract;
using PyResolve.Testing.Http;

namespace PyResolve.Testing;

/// <summary>Something that goes wrong with a request: give it to <see cref="FakePyResolveServer.Inject"/>.</summary>
public sealed class Fault
{
    private readonly Func<FakePyResolveServer, Func<FakeAnswer>, CancellationToken, Task<FakeAnswer>> _apply;

    private Fault(Func<FakePyResolveServer, Func<FakeAnswer>, CancellationToken, Task<FakeAnswer>> apply) => _apply = apply;

    /// <summary>The connection breaks before the server has read the request: nothing is done.</summary>
    public static Fault DropRequest { get; } = new(static (_, _, _) => throw Broken());

    /// <summary>The server does what is asked, and its answer is lost: what only an idempotent retry gets right.</summary>
    public static Fault DropAnswer { get; } = new(static (_, answer, _) =>
    {
        answer();
        throw Broken();
    });

    /// <summary>No answer comes, and nothing is done, until the caller gives up.</summary>
    public static Fault Hang { get; } = new(static async (_, _, cancellationToken) =>
    {
        await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(false);
        throw Broken();
    });

    /// <summary>The server does what is asked, and half of its answer's bytes arrive.</summary>
    public static Fault CorruptAnswer { get; } = new(static (_, answer, _) =>
    {
        var whole = answer();
        return Task.FromResult(whole with { Body = whole.Body[..(whole.Body.Length / 2)] });
    });

    /// <summary>A hotel's log-in page answers in the server's place, with 200.</summary>
    public static Fault CaptivePortal { get; } = Answer(200, "text/html", "<html><body>Welcome to the hotel's network</body></html>");

    /// <summary>The answer takes a time more, on <see cref="FakePyResolveServer.Clock"/>.</summary>
    public static Fault Delay(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        return new(async (server, answer, cancellationToken) =>
        {
            await Task.Delay(delay, server.Clock, cancellationToken).ConfigureAwait(false);
            return answer();
        });
    }

    /// <summary>The server fails or refuses, as problem details say it, and does nothing.</summary>
    /// <param name="status">400 to 599.</param>
    /// <param name="code">One of <see cref="ProblemCodes"/>, or a newer server's word; default the status's own.</param>
    /// <param name="retryAfter">The <c>Retry-After</c>, in whole seconds; default none.</param>
    public static Fault Status(int status, string? code = null, TimeSpan? retryAfter = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 400);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        code ??= Problems.CodeOf(status);
        return new((_, _, _) => Task.FromResult(FakeAnswer.Of(Problems.Create(status, code, $"A test has this request fail with {status}."), retryAfter)));
    }

    /// <summary>Whatever bytes answer in the server's place. Nothing is done.</summary>
    /// <param name="status">200 to 599.</param>
    /// <param name="contentType">Such as <c>application/json</c>.</param>
    /// <param name="body">In UTF-8.</param>
    public static Fault Answer(int status, string contentType, string body)
    {
        ArgumentNullException.ThrowIfNull(contentType);
        var answer = new FakeAnswer(status, contentType, Encoding.UTF8.GetBytes(body));
        return new((_, _, _) => Task.FromResult(answer));
    }

    internal static HttpRequestException Refused() => new("Connection refused", new SocketException((int)SocketError.ConnectionRefused));

    internal Task<FakeAnswer> ApplyAsync(FakePyResolveServer server, Func<FakeAnswer> answer, CancellationToken cancellationToken) =>
        _apply(server, answer, cancellationToken);

    private static HttpRequestException Broken() => new("The connection broke", new SocketException((int)SocketError.ConnectionReset));
}
