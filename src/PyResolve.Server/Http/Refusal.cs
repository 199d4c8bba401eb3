using PyResolve.Client.Wire;

namespace PyResolve.Server.Http;

/// <summary>Why a request is not served, and when it may be tried again, where waiting helps.</summary>
internal sealed record Refusal(Problem Problem, TimeSpan? RetryAfter = null)
{
    public IResult ToResult() => new ProblemResult(Problem, RetryAfter);
}
