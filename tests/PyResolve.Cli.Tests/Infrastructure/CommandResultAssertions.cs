using System.Text.Json;

namespace PyResolve.Cli.Tests.Infrastructure;

internal static class CommandResultAssertions
{
    /// <summary>Checks the exit code, and the cause and a next step on standard error, without internals.</summary>
    public static void ShouldFail(this CommandResult result, int exitCode, string cause, string next)
    {
        result.ExitCode.ShouldBe(exitCode, result.Output + result.Error);
        var lines = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).SkipWhile(l => l.StartsWith('!')).ToList();
        lines.Count.ShouldBeGreaterThan(1, result.Error);
        lines[0].ShouldStartWith("✗ ");
        lines[0].ShouldContain(cause);
        string.Join('\n', lines.Skip(1)).ShouldContain(next);
        result.ShouldShowNoInternals();
    }

    public static JsonElement Json(this CommandResult result) => JsonDocument.Parse(result.Output).RootElement;

    public static void ShouldSucceed(this CommandResult result)
    {
        result.ExitCode.ShouldBe(0, result.Output + result.Error);
        result.ShouldShowNoInternals();
    }

    private static void ShouldShowNoInternals(this CommandResult result)
    {
        var all = result.Output + result.Error;
        all.ShouldNotContain("   at ");
        all.ShouldNotContain("Exception");
        all.ShouldNotContain("\e[");
        all.ShouldNotMatch("pyr_live_[0-9a-f]{20}");
    }
}
