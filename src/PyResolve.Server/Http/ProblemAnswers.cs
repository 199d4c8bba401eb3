using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Http;

internal static class ProblemAnswers
{
    /// <summary>The problem for a status that carries nothing yet: what routing, the server or a size limit refused.</summary>
    public static Problem ForStatus(int status) => status switch
    {
        404 => Problems.NotFound(ProblemTexts.PathNotFound),
        405 => Problems.Create(405, ProblemCodes.MethodNotAllowed, ProblemTexts.MethodNotAllowed),
        413 => Problems.Create(413, ProblemCodes.TooLarge, ProblemTexts.BodyTooLarge),
        415 => Problems.Create(415, ProblemCodes.UnsupportedMediaType, ProblemTexts.NotJson),
        _ => Problems.Create(
            status, status < 500 ? ProblemCodes.Malformed : ProblemCodes.Internal, ReasonPhrases.GetReasonPhrase(status) + ".")
            with { Title = ReasonPhrases.GetReasonPhrase(status) },
    };

    /// <summary>Writes a problem as the whole answer: problem details, or a page where people look.</summary>
    public static Task WriteAsync(this HttpContext http, Problem problem, TimeSpan? retryAfter = null)
    {
        if (retryAfter is { } delay)
            http.Response.Headers.RetryAfter = Math.Ceiling(delay.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (http.GetEndpoint()?.Metadata.GetMetadata<ProblemView>() is { } view)
            return view.WriteAsync(http, problem);

        var status = problem.Status ?? 500;
        http.Response.StatusCode = status;
        http.Response.Headers["X-Request-Id"] = http.TraceIdentifier;
        http.Response.Headers.CacheControl = "no-store";
        if (status == 401)
            http.Response.Headers.WWWAuthenticate = "Bearer realm=\"PyResolve\"";
        return http.Response.WriteJsonAsync(
            problem with { RequestId = http.TraceIdentifier }, WireJson.Default.Problem, "application/problem+json");
    }
}

/// <summary>Marks the route of a page, and writes its problems as pages.</summary>
internal sealed record ProblemView(Func<HttpContext, Problem, Task> WriteAsync);

/// <summary>A problem as an endpoint's result.</summary>
/// <param name="retryAfter">When the request may be sent again, where waiting helps.</param>
internal sealed class ProblemResult(Problem problem, TimeSpan? retryAfter = null) : IResult
{
    public Problem Problem => problem;

    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>The event that the operator sees of this answer, of <see cref="SecurityEvents"/>.</summary>
    public string? SecurityEvent { get; init; }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        if (SecurityEvent is { } kind)
            httpContext.ReportRefusal(kind);
        return httpContext.WriteAsync(problem, retryAfter);
    }
}
