using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>A line means what it means to systemd and to a shell, or is refused.</summary>
public sealed class EnvironmentFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-env-file-");

    private string File => Path.Combine(_folder.FullName, "settings.env");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("NAME=value", "value")]
    [InlineData("  NAME=value  ", "value")]
    [InlineData("NAME=", "")]
    [InlineData("NAME=a=b#c", "a=b#c")]
    [InlineData("NAME='two words \"and\" $HOME \\n'", "two words \"and\" $HOME \\n")]
    [InlineData("NAME=\"two words\"", "two words")]
    [InlineData("NAME=https://example.com/a?b=c", "https://example.com/a?b=c")]
    [InlineData("# comment\n; comment\n\nNAME=last\n", "last")]
    [InlineData("NAME=first\nNAME=last", "last")]
    public void A_line_is_read(string text, string value)
    {
        System.IO.File.WriteAllText(File, text);

        EnvironmentFile.Read(File).ShouldHaveSingleItem().ShouldBe(new KeyValuePair<string, string>("NAME", value));
    }

    [Theory]
    [InlineData("hunter2")]
    [InlineData("export NAME=hunter2")]
    [InlineData("NA-ME=hunter2")]
    [InlineData("=hunter2")]
    [InlineData("NAME='hunter2")]
    [InlineData("NAME='hun'ter2'")]
    [InlineData("NAME=\"hun\"ter2\"")]
    [InlineData("NAME=hunter\\2")]
    [InlineData("NAME=hunter'2")]
    [InlineData("NAME=hun ter2")]
    [InlineData("NAME=hunter2 # a comment")]
    [InlineData("NAME=#hunter2")]
    [InlineData("NAME=hun$ter2")]
    [InlineData("NAME=hun&ter2")]
    [InlineData("NAME=~/hunter2")]
    [InlineData("NAME=\"hun$ter2\"")]
    [InlineData("NAME=\"hun`ter2\"")]
    [InlineData("NAME=\"hun\\nter2\"")]
    public void A_line_that_others_would_read_otherwise_is_refused_by_its_number_alone(string line)
    {
        System.IO.File.WriteAllText(File, $"# first\n{line}\n");

        var refused = Should.Throw<InvalidConfigurationException>(() => EnvironmentFile.Read(File));

        refused.Message.ShouldStartWith($"{File}, line 2: this is not NAME=value.");
        refused.Message.ShouldNotContain("hun");
    }

    [Theory]
    [InlineData("http://localhost:8000")]
    [InlineData("postgres://user:p%40ss@host:5432/database?sslmode=disable&pool_size=5")]
    [InlineData("AbC+/=")]
    [InlineData("two words; $HOME `id` \\ \"quoted\"")]
    public async Task What_is_written_is_read_again_also_by_a_shell(string value)
    {
        await System.IO.File.WriteAllTextAsync(File, EnvironmentFile.LineOf("NAME", value), TestContext.Current.CancellationToken);

        var shell = await Command.RunAsync(
            "/bin/sh", ["-c", ". \"$0\"; printf %s \"$NAME\"", File], cancellationToken: TestContext.Current.CancellationToken);

        shell.Output.ShouldBe(value);
        EnvironmentFile.Read(File)["NAME"].ShouldBe(value);
    }

    [Theory]
    [InlineData("it's")]
    [InlineData("two\nlines")]
    public void A_value_that_no_line_can_have_is_refused_without_being_shown(string value) =>
        Should.Throw<InvalidConfigurationException>(() => EnvironmentFile.LineOf("NAME", value)).Message.ShouldNotContain(value);

    [Fact]
    public async Task A_server_whose_file_is_missing_does_not_start()
    {
        var refused = await ServerProcess.RunAsync(
            ["--env-file", File], new Dictionary<string, string?>(), TestContext.Current.CancellationToken);

        (refused.ExitCode, refused.Error.Trim()).ShouldBe((2, $"There is no file {File}. The command init makes one."));
    }
}
