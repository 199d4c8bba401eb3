using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Tests;

public sealed class FileSelectionTests
{
    [Theory]
    [InlineData("*.py", "a.py", true)]
    [InlineData("*.py", "src/deep/a.py", true)]
    [InlineData("*.py", "a.txt", false)]
    [InlineData("src", "src/deep/a.py", true)]
    [InlineData("src/", "src/a.py", true)]
    [InlineData("src", "lib/src/a.py", true)]
    [InlineData("./src", "lib/src/a.py", false)]
    [InlineData("src/*.py", "src/a.py", true)]
    [InlineData("src/*.py", "src/deep/a.py", false)]
    [InlineData("src/**/*.py", "src/deep/er/a.py", true)]
    [InlineData("src/**/*.py", "lib/src/a.py", false)]
    [InlineData("**/models/*.py", "src/models/a.py", true)]
    [InlineData("SRC", "src/a.py", false)]
    public void A_pattern_includes(string pattern, string path, bool isIncluded)
    {
        FileSelection.Create([pattern], []).Contains(path).ShouldBe(isIncluded);
        FileSelection.Create([], [pattern]).Contains(path).ShouldBe(!isIncluded);
    }

    [Fact]
    public void Without_patterns_everything_is_selected() => FileSelection.All.Contains("any/thing").ShouldBeTrue();

    [Fact]
    public void An_excluded_file_is_left_out_although_it_is_included() =>
        FileSelection.Create(["src"], ["test_*.py"]).Contains("src/test_a.py").ShouldBeFalse();
}
