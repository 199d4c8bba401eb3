using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Hosting;

public sealed class OwnProgramTests
{
    [Theory]
    [InlineData("/opt/pyresolve-server/pyresolve-server", "pyresolve-server")]
    [InlineData("/app/PyResolve.Server", "PyResolve.Server")]
    [InlineData("/usr/share/dotnet/dotnet", null)]
    [InlineData(null, null)]
    public void The_program_is_named_as_the_person_has_called_it(string? path, string? name) => OwnProgram.NameOf(path).ShouldBe(name);

    [Theory]
    [InlineData("/srv/pyresolve.env", "/srv/pyresolve.env")]
    [InlineData("", "''")]
    [InlineData("a b", "'a b'")]
    [InlineData("ada's", "'ada'\\''s'")]
    [InlineData("$HOME", "'$HOME'")]
    public void A_word_for_a_shell_is_quoted_where_it_must_be(string word, string quoted) => ShellWord.Quote(word).ShouldBe(quoted);
}
