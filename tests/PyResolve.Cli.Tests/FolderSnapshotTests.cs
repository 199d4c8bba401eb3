using PyResolve.Cli.Migrations;
using PyResolve.Cli.Tests.Infrastructure;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Tests;

public sealed class FolderSnapshotTests : IDisposable
{
    private readonly CliDriver _driver = new CliDriver().WithFile("a.py", "a").WithFile("sub/b.py", "b").WithFile("gone.py", "g");

    [Fact]
    public void Added_changed_and_removed_files_are_counted_separately()
    {
        var before = Take();

        _driver.WithFile("a.py", "changed").WithFile("sub/new/c.py", "c");
        File.Delete(Path.Combine(_driver.Project, "gone.py"));

        before.ChangesTo(Take()).ShouldCount(added: 1, modified: 1, removed: 1);
    }

    [Fact]
    public void A_file_written_again_with_the_same_content_is_not_changed()
    {
        var before = Take();

        _driver.WithFile("a.py", "a");
        File.SetLastWriteTimeUtc(Path.Combine(_driver.Project, "a.py"), DateTime.UnixEpoch);

        before.ChangesTo(Take()).Total.ShouldBe(0);
    }

    [Theory]
    [InlineData(".git/index")]
    [InlineData(".venv/lib/x.py")]
    [InlineData("sub/__pycache__/b.cpython-312.pyc")]
    [InlineData("node_modules/x/index.js")]
    [InlineData("sub/b.pyc")]
    public void Files_that_tools_generate_are_ignored(string path)
    {
        var before = Take();

        _driver.WithFile(path, "x");

        before.ChangesTo(Take()).Total.ShouldBe(0);
    }

    [Fact]
    [Trait("Platform", "Linux")]
    public async Task A_file_and_a_folder_whose_names_are_not_UTF8_are_named_and_left_out()
    {
        const string Remove = "rm -rf \"$1\"/bad* \"$1\"/sub/worse*";
        const string Script = "cd \"$1\" && printf x > \"$(printf 'bad\\377.py')\" && mkdir -p \"$(printf 'sub/worse\\376')\"";
        await RunAsync(Script);

        var before = Take();
        _driver.WithFile("a.py", "changed");

        before.Unreadable.Keys.ShouldBe(["bad\ufffd.py", "sub/worse\ufffd/"]);
        before.ChangesTo(Take()).ShouldCount(added: 0, modified: 1, removed: 0);
        // The framework cannot remove what it cannot name.
        await RunAsync(Remove);

        async Task RunAsync(string script) => (await Command.RunAsync(
            "sh", ["-c", script, "sh", _driver.Project], cancellationToken: TestContext.Current.CancellationToken)).OrThrow("sh");
    }

    [Fact]
    public void Symbolic_links_are_not_followed()
    {
        using var elsewhere = new CliDriver().WithFile("other.py", "o");
        Directory.CreateSymbolicLink(Path.Combine(_driver.Project, "folder"), elsewhere.Project);
        File.CreateSymbolicLink(Path.Combine(_driver.Project, "file.py"), Path.Combine(elsewhere.Project, "other.py"));
        Directory.CreateSymbolicLink(Path.Combine(_driver.Project, "loop"), _driver.Project);
        var before = Take();

        elsewhere.WithFile("other.py", "changed");

        before.ChangesTo(Take()).Total.ShouldBe(0);
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task A_named_pipe_does_not_block_the_snapshot()
    {
        (await Command.RunAsync(
            "mkfifo", [Path.Combine(_driver.Project, "pipe")], cancellationToken: TestContext.Current.CancellationToken))
            .OrThrow("mkfifo");

        Take().ChangesTo(Take()).Total.ShouldBe(0);
    }

    [Fact]
    public void A_single_file_has_a_snapshot_too()
    {
        var path = Path.Combine(_driver.Project, "a.py");
        var before = FolderSnapshot.Take(path, FileSelection.All, CancellationToken.None);

        _driver.WithFile("a.py", "changed");

        var after = FolderSnapshot.Take(path, FileSelection.All, CancellationToken.None);
        before.ChangesTo(after).ShouldCount(added: 0, modified: 1, removed: 0);
    }

    public void Dispose() => _driver.Dispose();

    private FolderSnapshot Take() => FolderSnapshot.Take(_driver.Project, FileSelection.All, TestContext.Current.CancellationToken);
}

internal static class FolderChangesAssertions
{
    public static void ShouldCount(this FolderChanges changes, int added, int modified, int removed) =>
        (changes.Added, changes.Modified, changes.Removed, changes.Total).ShouldBe((added, modified, removed, added + modified + removed));
}
