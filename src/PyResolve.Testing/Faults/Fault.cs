using System.Net;
using System.Net.Sockets;
using System.Text;
using PyResolve.Client;
using PyResolve.Client.Wire;
using PyResolve.Testing.Contract;
using PyResolve.Testing.Http;

namespace PyResolve.Testing;

/// <summary>Something that goes wrong with a request, for <see cref="FakePyResolveServer.Inject"/>. Immutable.</summary>
public sealed class Fault
{
    private readonly Func<TimeProvider, Func<FakeAnswer>, CancellationToken, Task<FakeAnswer>> _apply;

    private Fault(Func<TimeProvider, Func<FakeAnswer>, CancellationToken, Task<FakeAnswer>> apply) => _apply = apply;

    /// <summary>The connection breaks before the server reads the request: nothing is done.</summary>
    public static Fault DropRequest { get; } = new(static (_, _, _) => throw Broken());

    /// <summary>The server executes the request, and the answer is lost: only an idempotent retry is correct.</summary>
    public static Fault DropAnswer { get; } = new(static (_, answer, _) =>
    {
        answer();
        throw Broken();
    });

    /// <summary>No answer arrives until the caller gives up; nothing is done.</summary>
    public static Fault Hang { get; } = new(static async (_, _, cancellationToken) =>
    {
        await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(false);
        throw Broken();
    });

    /// <summary>The server executes the request, and the first half of the answer's bytes arrives.</summary>
    public static Fault CorruptAnswer { get; } = new(static (_, answer, _) =>
    {
        var whole = answer();
        return Task.FromResult(whole with { Body = [.. whole.Body.Take(whole.Body.Length / 2)] });
    });

    /// <summary>The login page of a network (a captive portal) answers instead of the server, with 200; nothing is done.</summary>
    public static Fault CaptivePortal { get; } = Answer(200, "text/html", "<html><body>Welcome to the hotel's network</body></html>");

    /// <summary>The answer is delayed, on the server's clock.</summary>
    /// <param name="delay">Zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is negative.</exception>
    public static Fault Delay(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        return new(async (clock, answer, cancellationToken) =>
        {
            await clock.DelayAsync(delay, cancellationToken).ConfigureAwait(false);
            return answer();
        });
    }

    /// <summary>The server answers with problem details, and does nothing.</summary>
    /// <param name="status">400 to 599.</param>
    /// <param name="code">One of <see cref="ProblemCodes"/>, or a code of a newer server; default the usual one of the status.</param>
    /// <param name="retryAfter">The <c>Retry-After</c> header, rounded up to seconds; default none.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="status"/> is not an error.</exception>
    public static Fault Status(int status, string? code = null, TimeSpan? retryAfter = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 400);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        code ??= status == 403 ? ProblemCodes.ScopeMissing : ProblemStatus.CodeOf(status);
        var problem = Problems.Create(status, code, $"A test made this request fail with {status}.");
        return new((_, _, _) => Task.FromResult(FakeAnswer.Of(problem, retryAfter)));
    }

    /// <summary>The given answer arrives instead of the server's; nothing is done.</summary>
    /// <param name="status">200 to 599.</param>
    /// <param name="contentType">Such as <c>application/json</c>.</param>
    /// <param name="body">Sent as UTF-8.</param>
    public static Fault Answer(int status, string contentType, string body)
    {
        ArgumentNullException.ThrowIfNull(contentType);
        var answer = new FakeAnswer(status, contentType, Encoding.UTF8.GetBytes(body));
        return new((_, _, _) => Task.FromResult(answer));
    }

    internal static HttpRequestException Refused() => new("Connection refused", new SocketException((int)SocketError.ConnectionRefused));

    internal Task<FakeAnswer> ApplyAsync(TimeProvider clock, Func<FakeAnswer> answer, CancellationToken cancellationToken) =>
        _apply(clock, answer, cancellationToken);

    private static HttpRequestException Broken() => new("The connection broke", new SocketException((int)SocketError.ConnectionReset));
}
