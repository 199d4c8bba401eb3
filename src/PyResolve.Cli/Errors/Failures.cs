using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Errors;

/// <summary>Turns whatever ends a command into its exit code, the cause in a line, and what to do next. The only place that does.</summary>
internal static class Failures
{
    public static CliException Describe(Exception exception) => exception switch
    {
        CliException own => own,
        OperationCanceledException => new(ExitCodes.Interrupted, "Interrupted."),
        PyResolveException api => Describe(api),
        IOException or UnauthorizedAccessException => new(ExitCodes.Failure, exception.Message, "Check that the file is there and that you may read and write it."),
        _ => new(
            ExitCodes.Failure,
            $"pyresolve failed in a way that it should not: {exception.GetType().Name}: {FirstLine(exception.Message)}",
            "Please report this line together with the command and the output of: pyresolve --version"),
    };

    public static CliException Describe(QuotaDenial denial)
    {
        var (cause, mend) = Sentences(denial.Message, last: false);
        return denial.Code == PyResolveErrorCodes.LoginRequired
            ? new(
                ExitCodes.Authentication,
                "LLM-powered migrations require authentication.",
                "Options:",
                "  1. Run: pyresolve login",
                "  2. Get a free account: https://pyresolve.dev",
                "  3. Use --tier tier1 for a deterministic migration, which needs no account")
            : new(
                denial.Code == PyResolveErrorCodes.Offline ? ExitCodes.Network : ExitCodes.Denied,
                cause,
                [.. Lines(mend), .. TierHint(denial), "Nothing was run and nothing was changed."]);
    }

    private static CliException Describe(PyResolveException exception)
    {
        var (cause, mend) = Sentences(exception.Message, last: true);
        return exception.Code switch
        {
            PyResolveErrorCodes.LoginRequired => NotLoggedIn(),
            PyResolveErrorCodes.ConfigFile or PyResolveErrorCodes.InvalidConfiguration => With(ExitCodes.Usage, "Mend that setting, and try again."),
            PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout or PyResolveErrorCodes.UnexpectedAnswer =>
                With(ExitCodes.Network, "Check the network, and the address of the server."),
            ProblemCodes.QuotaExceeded or ProblemCodes.LlmNotAllowed => With(ExitCodes.Denied, "Upgrade the plan, or wait for the next month."),
            ProblemCodes.ScopeMissing => With(ExitCodes.Authentication, "Use a key that has this scope."),
            _ when exception.Status == 401 => BadKey(exception),
            _ => With(ExitCodes.Failure, "Try again; if it stays, tell whoever runs the server."),
        };

        CliException With(int exitCode, string otherwise) => new(exitCode, cause, Lines(mend.Length > 0 ? mend : otherwise));
    }

    public static CliException NotLoggedIn(string? profile = null) => new(
        ExitCodes.Authentication,
        profile is null ? "Not logged in." : $"Not logged in with profile {profile}.",
        profile is null ? "Run: pyresolve login" : $"Run: pyresolve login --profile {profile}");

    private static CliException BadKey(PyResolveException exception)
    {
        var isFromEnvironment = !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(ApiKeyStore.ApiKeyVariable));
        return new(
            ExitCodes.Authentication,
            exception.Problem?.Detail ?? "Invalid or expired API key",
            isFromEnvironment ? $"The key is in {ApiKeyStore.ApiKeyVariable}: set a live one, or unset it and run: pyresolve login" : "Run: pyresolve login");
    }

    private static string[] TierHint(QuotaDenial denial) =>
        denial.Code == ProblemCodes.LlmNotAllowed && !denial.Message.Contains("tier1", StringComparison.Ordinal) ? ["Or use --tier tier1 for a deterministic migration."] : [];

    /// <summary>The SDK's messages say the cause, then what mends it: in a sentence of its own, or after a semicolon. On a terminal these are two lines.</summary>
    private static (string Cause, string Mend) Sentences(string message, bool last)
    {
        var end = -1;
        for (var i = 1; i + 2 < message.Length; i++)
        {
            var isStop = message[i] is '.' or '!' or '?' || message[(i - 1)..(i + 1)] == ".)";
            if (isStop && message[i + 1] == ' ' && char.IsUpper(message[i + 2]) && (last || end < 0))
                end = i + 1;
        }
        if (end >= 0)
            return (message[..end], message[(end + 1)..]);
        var semicolon = message.IndexOf("; ", StringComparison.Ordinal);
        return semicolon < 0 ? (message, "") : (message[..semicolon] + ".", char.ToUpperInvariant(message[semicolon + 2]) + message[(semicolon + 3)..]);
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string FirstLine(string text) => text.Split('\n')[0].TrimEnd();
}
