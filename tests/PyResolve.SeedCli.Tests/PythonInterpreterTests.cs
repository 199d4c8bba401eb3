namespace PyResolve.SeedCli.Tests;

public sealed class PythonInterpreterTests
{
    [Fact]
    public async Task Without_a_usable_Python_the_failure_says_what_to_install()
    {
        var nowhere = Path.Combine(Path.GetTempPath(), "no-such-folder", "python3");

        var failure = await Should.ThrowAsync<PythonMissingException>(() => PythonInterpreter.FindAsync([nowhere, "/bin/false"]));

        failure.Message.ShouldContain("apt-get install python3-click python3-httpx python3-toml");
        failure.Message.ShouldContain(nowhere);
    }
}
