using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Base;

internal static class Failures
{
    /// <param name="exception">What ended the command.</param>
    /// <param name="profile">The value of <c>--profile</c>, for the advice to log in.</param>
    public static CliException Describe(Exception exception, string? profile) => exception switch
    {
        CliException own => own,
        OperationCanceledException => new(ExitCodes.Interrupted, "Interrupted."),
        PyResolveException failure => Describe(failure, profile),
        FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException =>
            new(ExitCodes.Failure, exception.Message, "Check that the file exists and that you may read and write it."),
        IOException => new(ExitCodes.Failure, exception.Message),
        _ => new(
            ExitCodes.Failure, $"Unexpected error: {exception.GetType().Name}: {exception.Message.Split('\n')[0].TrimEnd()}",
            "Please report this line together with the command and the output of: pyresolve --version"),
    };

    public static CliException Describe(QuotaDenial denial, string? profile) => denial.Code switch
    {
        PyResolveErrorCodes.LoginRequired => new(
            ExitCodes.Authentication, "LLM-powered migrations require authentication.",
            "Options:",
            $"  1. Run: {LogIn(profile)}",
            "  2. Get a free account: https://pyresolve.dev",
            "  3. Use --tier tier1 for a deterministic migration, which needs no account"),
        PyResolveErrorCodes.Offline => Denied(ExitCodes.Network, denial, Lines(denial.Hint)),
        ProblemCodes.LlmNotAllowed => Denied(ExitCodes.Denied, denial, [
            denial.UpgradeUrl is { } url ? $"Upgrade at {url.OriginalString}" : "Upgrade the plan.",
            "Or use --tier tier1 for a deterministic migration.",
        ]),
        _ => Denied(ExitCodes.Denied, denial, Lines(denial.Hint)),
    };

    public static CliException NotLoggedIn(string? profile) => new(
        ExitCodes.Authentication, profile is null ? "Not logged in." : $"Not logged in with profile {profile}.", $"Run: {LogIn(profile)}");

    private static CliException Describe(PyResolveException exception, string? profile) => exception.Code switch
    {
        PyResolveErrorCodes.LoginRequired => NotLoggedIn(profile),
        PyResolveErrorCodes.ConfigFile or PyResolveErrorCodes.InvalidConfiguration =>
            Failed(ExitCodes.Usage, exception, "Fix that setting, and try again."),
        PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout or PyResolveErrorCodes.UnexpectedAnswer =>
            Failed(ExitCodes.Network, exception, "Check the network, and the address of the server."),
        ProblemCodes.QuotaExceeded => Failed(ExitCodes.Denied, exception, "Upgrade the plan, or wait for the next month."),
        ProblemCodes.LlmNotAllowed => Failed(ExitCodes.Denied, exception, "Upgrade the plan, or use --tier tier1."),
        ProblemCodes.ScopeMissing => Failed(ExitCodes.Authentication, exception, "Use a key that has this scope."),
        ProblemCodes.NoBillingAccount => Failed(ExitCodes.Failure, exception, "To subscribe: pyresolve plan upgrade"),
        ProblemCodes.Malformed or ProblemCodes.Invalid => Failed(ExitCodes.Usage, exception, "Correct what was given, and try again."),
        _ when exception.Status == 401 => InvalidKey(exception, profile),
        _ => Failed(ExitCodes.Failure, exception, "Try again. If the error persists, report it to the server's operator."),
    };

    private static string LogIn(string? profile) => profile is null ? "pyresolve login" : $"pyresolve login --profile {profile}";

    private static CliException InvalidKey(PyResolveException exception, string? profile)
    {
        var isFromEnvironment = !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(ApiKeyStore.ApiKeyVariable));
        var next = isFromEnvironment
            ? $"The key is in {ApiKeyStore.ApiKeyVariable}: set a valid key, or unset it and run: {LogIn(profile)}"
            : $"Run: {LogIn(profile)}";
        return new(ExitCodes.Authentication, exception.Problem?.Detail ?? "Invalid or expired API key", next);
    }

    private static CliException Denied(int exitCode, QuotaDenial denial, string[] next) =>
        new(exitCode, denial.Cause, [.. next, "Nothing was run and nothing was changed."]);

    private static CliException Failed(int exitCode, PyResolveException exception, string defaultHint) =>
        new(exitCode, exception.Cause, Lines(exception.Hint ?? defaultHint));

    private static string[] Lines(string? text) =>
        text?.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
