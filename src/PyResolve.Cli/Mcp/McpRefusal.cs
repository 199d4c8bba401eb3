using System.Globalization;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Mcp;

/// <summary>Why a tool did not do its work, and what a model can do about that.</summary>
internal static class McpRefusal
{
    public const string Declined = "declined";

    private const string UseTier1 = "Or call again with tier tier1, which is deterministic.";

    public static RefusalReport Describe(QuotaDenial denial) => new(
        denial.Code,
        denial.Code == PyResolveErrorCodes.LoginRequired ? "LLM-powered migrations require an account." : denial.Cause,
        [.. Next(denial)],
        Retryable: denial.Code == PyResolveErrorCodes.Offline,
        denial.ResetsAt,
        denial.HeldUntil,
        denial.UpgradeUrl?.OriginalString,
        denial.Quota is null ? null : CliJson.Wire(denial.Quota, WireJson.Default.QuotaSnapshot));

    /// <param name="profile">The value of <c>--profile</c>.</param>
    public static RefusalReport Describe(Exception exception, string? profile)
    {
        var failure = Failures.Describe(exception, profile);
        return exception is PyResolveException e
            ? Create(e.Code, failure, IsPassing(e), e.Problem)
            : Create(CodeOf(failure.ExitCode), failure, isPassing: false, problem: null);
    }

    public static RefusalReport DescribeDeclined() => new(
        Declined, "The person declined. Nothing was run and nothing was changed.",
        ["Do not call again before the person asks for it."], Retryable: false, ResetsAt: null, HeldUntil: null, UpgradeUrl: null,
        Quota: null);

    /// <summary>For a model, which reads text.</summary>
    public static string Text(RefusalReport refusal) => string.Join('\n', refusal.Next.Prepend(refusal.Message).Append(
        refusal.Retryable ? "The same call may succeed later." : "The same call will not succeed without that."));

    private static RefusalReport Create(string code, CliException failure, bool isPassing, Problem? problem) => new(
        code, failure.Message, failure.Next, isPassing, problem?.ResetsAt, problem?.HeldUntil, problem?.UpgradeUrl, Quota: null);

    private static IEnumerable<string> Next(QuotaDenial denial)
    {
        switch (denial.Code)
        {
            case PyResolveErrorCodes.LoginRequired:
                yield return "Ask the person to log in, in a terminal: pyresolve login";
                yield return UseTier1;
                break;
            case ProblemCodes.LlmNotAllowed:
                yield return AskToUpgrade(denial);
                yield return UseTier1;
                break;
            case ProblemCodes.QuotaExceeded:
                yield return AskToUpgrade(denial);
                if (denial.HeldUntil is { } end)
                    yield return $"Or wait until {Time(end)}, when a reservation that stands in the way ends.";
                if (denial.ResetsAt is { } reset)
                    yield return $"Or wait until {Time(reset)}, when the quota is full again.";
                break;
            default:
                yield return denial.Hint ?? "Try again later.";
                break;
        }
    }

    private static string AskToUpgrade(QuotaDenial denial) => denial.UpgradeUrl is { } url
        ? $"Ask the person to upgrade the plan at {url.OriginalString}"
        : "Ask the person to upgrade the plan.";

    private static string Time(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static bool IsPassing(PyResolveException e) =>
        e.Code is PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout or ProblemCodes.RateLimited || e.Status >= 500;

    private static string CodeOf(int exitCode) => exitCode switch
    {
        ExitCodes.Usage => "invalid_request",
        ExitCodes.Authentication => PyResolveErrorCodes.LoginRequired,
        ExitCodes.Denied => "denied",
        ExitCodes.Network => PyResolveErrorCodes.Unreachable,
        ExitCodes.Interrupted => "interrupted",
        _ => "failed",
    };
}
