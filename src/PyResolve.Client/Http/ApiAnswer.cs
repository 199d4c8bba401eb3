using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

internal sealed class ApiAnswer
{
    /// <summary>Far more than any answer of a PyResolve server; a larger one comes from something else.</summary>
    private const int MaxBodyBytes = 4 * 1024 * 1024;

    private readonly string _target;
    private readonly byte[] _body;
    private readonly string _mediaType;
    private readonly string? _location;
    private readonly string? _requestId;
    private readonly TimeSpan? _retryAfter;
    private readonly DateTimeOffset? _date;

    private ApiAnswer(string target, HttpResponseMessage response, byte[] body, TimeProvider time)
    {
        _target = target;
        _body = body;
        Status = (int)response.StatusCode;
        _mediaType = response.Content?.Headers.ContentType?.MediaType ?? "no content type";
        _location = response.Headers.Location?.ToString();
        _date = response.Headers.Date;
        AccountId = Guid.TryParseExact(Header(response, "X-Account-Id"), "D", out var account) ? account : null;
        _requestId = Redaction.Line(Header(response, "X-Request-Id"));
        _retryAfter = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            // By the server's clock, if the answer has its time: this machine's clock may be wrong.
            { Date: { } date } => date - (_date ?? time.GetUtcNow()) is { Ticks: > 0 } wait ? wait : TimeSpan.Zero,
            _ => null,
        };
    }

    public int Status { get; }

    public Guid? AccountId { get; }

    public bool IsSuccess => Status is >= 200 and <= 299;

    /// <summary>The server's time; <see langword="null"/> when the answer may be a proxy's or a captive portal's page.</summary>
    public DateTimeOffset? Date => IsJson ? _date : null;

    /// <summary>Whether it has the form of an answer of a PyResolve server; else it may be a proxy's or a captive portal's page.</summary>
    public bool IsFromServer => IsSuccess ? IsJson || _body.Length == 0 : IsProblem(out _);

    private bool IsJson =>
        _mediaType.EndsWith("/json", StringComparison.OrdinalIgnoreCase)
        || _mediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase);

    public static async Task<ApiAnswer> ReadAsync(
        string target, HttpResponseMessage response, TimeProvider time, CancellationToken cancellationToken)
    {
        if (response.Content is null)
            return new(target, response, [], time);
        using var stream = await response.Content.OpenAsync(cancellationToken).ConfigureAwait(false);
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await stream.ReadPieceAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            body.Write(buffer, 0, read);
            if (body.Length > MaxBodyBytes)
                throw new ApiAnswer(target, response, [], time).Unexpected("more than any PyResolve server sends");
        }

        return new(target, response, body.ToArray(), time);
    }

    public T Read<T>(JsonTypeInfo<T> type, Func<T, bool> isComplete)
        where T : class =>
        IsJson && TryRead(type) is { } value && isComplete(value) ? value : throw Unexpected();

    /// <param name="logInHint">What to do about an invalid key; <see langword="null"/> when none was sent.</param>
    public PyResolveException Failure(string? logInHint)
    {
        if (!IsProblem(out var problem))
            return Unexpected();
        problem = problem with { Title = Redaction.Line(problem.Title), Detail = Redaction.Line(problem.Detail) };
        var code = problem.Code ?? ProblemStatus.CodeOf(Status);
        var requestId = problem.RequestId ?? _requestId;
        return new(code, Cause(problem), Hint(code, requestId, logInHint))
        {
            Status = Status,
            RequestId = requestId,
            RetryAfter = _retryAfter,
            Problem = problem,
        };
    }

    /// <param name="what">What it is instead; by default its media type.</param>
    /// <param name="by">Who answered, if that is known not to be the server.</param>
    public PyResolveException Unexpected(string? what = null, string? by = null)
    {
        what ??= IsJson ? "JSON of another shape" : Redaction.Line(_mediaType);
        var answered = Status is >= 300 and <= 399 && _location is not null
            ? $"answered {Status} and points to {Redaction.Line(_location)}"
            : $"answered {Status} with {what}";
        return new(
            PyResolveErrorCodes.UnexpectedAnswer,
            (by is null ? $"{_target} {answered}" : $"{by} {answered} to {_target}") + ": that is no PyResolve server.",
            "Check PYRESOLVE_API_URL, and any proxy between.")
        {
            Status = Status,
            RequestId = _requestId,
            RetryAfter = _retryAfter,
        };
    }

    private bool IsProblem([NotNullWhen(true)] out Problem? problem)
    {
        problem = IsJson ? TryRead(WireJson.Default.Problem) : null;
        return (problem?.Code ?? problem?.Detail ?? problem?.Title) is not null;
    }

    private string Cause(Problem problem)
    {
        var cause = Sentence(problem.Detail ?? problem.Title ?? $"The server answered {Status}");
        var field = problem.Errors?.FirstOrDefault(error => error.Value is { Count: > 0 });
        if (field is not { Key: { } name } error)
            return cause;
        // The server's own details name every field already.
        var broken = $"{Redaction.Line(name)}: {Redaction.Line(error.Value[0])}";
        return cause.Contains(broken) ? cause : Sentence($"{cause} {broken}");
    }

    private string? Hint(string code, string? requestId, string? logInHint) => code switch
    {
        ProblemCodes.Unauthenticated when logInHint is not null => logInHint,
        ProblemCodes.ScopeMissing when logInHint is not null => "Use a key that has this scope.",
        _ when _retryAfter is { } wait => $"Try again in {Math.Ceiling(wait.TotalSeconds):0} s.",
        _ when Status >= 500 && requestId is not null => $"Try again; if it stays, report request {Redaction.Line(requestId)}.",
        _ when Status >= 500 => "Try again later.",
        _ => null,
    };

    private T? TryRead<T>(JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(_body, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.First() : null;

    private static string Sentence(string text) => text.Length > 0 && text[text.Length - 1] is '.' or '!' or '?' ? text : text + ".";
}
