namespace PyResolve.Server.Tests.Commands;

public sealed class ConfigCommandTests
{
    [Fact]
    public async Task What_is_set_is_shown_with_its_source_and_no_secret_is_even_where_a_value_is_wrong()
    {
        var result = await RunAsync(
            new()
            {
                ["PyResolve__SessionDays"] = "many", ["PyResolve__Smtp__Password"] = "hunter2", ["PYRESOLVE_SINGUP"] = "also hunter2",
                ["DATABASE_URL"] = "postgres://ann:hunter2@db/billing",
            },
            "--PyResolve:KeysPerHour=7");

        var lines = result.OrThrow("config").Output.Split('\n').Select(Columns).ToList();
        lines[0].ShouldBe("NAME|VALUE|SOURCE|DEFAULT");
        lines.ShouldContain("PyResolve:SessionDays|many|environment PyResolve__SessionDays|30");
        lines.ShouldContain("PyResolve:KeysPerHour|7|command line|2000");
        lines.ShouldContain("PyResolve:Smtp:Password|(set, not shown)|environment PyResolve__Smtp__Password|none");
        lines.ShouldContain("DATABASE_URL|(set, not shown)|environment DATABASE_URL|SQLite");
        lines.ShouldContain("PYRESOLVE_SINGUP|(set, not shown)|environment PYRESOLVE_SINGUP|not known: it has no effect");
        lines.ShouldNotContain(line => line.StartsWith("PyResolve:SessionIdleDays", StringComparison.Ordinal));
        result.Output.ShouldNotContain("hunter2");
    }

    [Fact]
    public async Task The_effective_settings_have_their_defaults_too_also_for_programs()
    {
        var text = await RunAsync([], "--effective");
        var json = await RunAsync(new() { ["PYRESOLVE_SIGNUP"] = "closed" }, "--effective", "--json");

        text.OrThrow("config").Output.Split('\n').Select(Columns).ShouldContain("PyResolve:SessionIdleDays|-|default|as long as it lasts");
        json.OrThrow("config").Output.ShouldContain(
            "{\"name\":\"PYRESOLVE_SIGNUP\",\"value\":\"closed\",\"is_set\":true,\"is_hidden\":false,\"is_known\":true,"
            + "\"source\":\"environment PYRESOLVE_SIGNUP\",\"default\":\"open\"}");
        json.Output.ShouldContain("\"name\":\"PyResolve:Usage:RetentionMonths\",\"value\":null,\"is_set\":false");
    }

    private static string Columns(string line) =>
        string.Join('|', line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static Task<CommandResult> RunAsync(Dictionary<string, string?> environment, params string[] arguments) =>
        ServerProcess.RunAsync(["config", .. arguments], environment, TestContext.Current.CancellationToken);
}
