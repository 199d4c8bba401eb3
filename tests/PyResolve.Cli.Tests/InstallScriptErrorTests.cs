using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>Where deploy/install.sh cannot install, it says why and what to do, and leaves nothing behind.</summary>
[Trait("Platform", "Linux")]
public sealed class InstallScriptErrorTests : IAsyncLifetime
{
    private readonly InstallScript _script = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Releases => _script.Release.Releases;

    public async ValueTask InitializeAsync() => await _script.StartReleaseAsync();

    [Fact]
    public async Task An_unknown_option_is_named() => _script.ShouldFail(
        await _script.RunAsync(arguments: "--remove"), "There is no option --remove", "--uninstall");

    [Fact]
    public async Task Without_curl_and_wget_it_says_so() => _script.ShouldFail(
        await _script.RunAsync(programs: ""), "Neither curl nor wget is installed", "apt-get install curl");

    [Fact]
    public async Task Without_a_program_that_makes_checksums_it_says_so() => _script.ShouldFail(
        await _script.RunAsync(without: "sha256sum"), "None of sha256sum, shasum and openssl is installed", "apt-get install coreutils");

    [Fact]
    public async Task A_damaged_archive_is_not_installed()
    {
        var bytes = await File.ReadAllBytesAsync(_script.Release.Archive, Cancellation);
        bytes[^100] ^= 1;
        await File.WriteAllBytesAsync(_script.Release.Archive, bytes, Cancellation);

        _script.ShouldFail(
            await _script.RunAsync(), "The checksum of pyresolve-linux-x64.tar.gz is wrong", "Nothing was installed. Try again.");
    }

    [Fact]
    public async Task A_missing_archive_is_named()
    {
        File.Delete(_script.Release.Archive);

        _script.ShouldFail(
            await _script.RunAsync(), $"Cannot download {Releases}/latest/download/pyresolve-linux-x64.tar.gz", "Try again");
    }

    [Fact]
    public async Task A_version_that_was_not_released_is_named() => _script.ShouldFail(
        await _script.RunAsync(arguments: "9.9.9"),
        $"Cannot download {Releases}/download/v9.9.9/SHA256SUMS",
        $"Is there such a release? Look at {Releases}.");

    [Fact]
    public async Task The_error_of_wget_is_named() => _script.ShouldFail(
        await _script.RunAsync("wget", arguments: "9.9.9"),
        $"Cannot download {Releases}/download/v9.9.9/SHA256SUMS",
        "wget ended with exit code 8");

    [Theory]
    [InlineData("Linux", "riscv64", "There is no native pyresolve for the processor riscv64", "dotnet tool install --global PyResolve.Cli")]
    [InlineData("FreeBSD", "amd64", "There is no native pyresolve for FreeBSD", "dotnet tool install --global PyResolve.Cli")]
    [InlineData("Linux", "aarch64", "The release has no program for linux-arm64", "dotnet tool install --global PyResolve.Cli")]
    [InlineData("MINGW64_NT-10.0", "x86_64", "This is Windows", "install.ps1")]
    public async Task A_platform_without_a_program_is_named(string system, string processor, string cause, string next)
    {
        _script.CreateProgram("uname", $"[ \"$1\" = -m ] && echo {processor} || echo {system}");

        _script.ShouldFail(await _script.RunAsync(), cause, next);
    }

    [Fact]
    public async Task A_program_that_does_not_run_here_is_not_installed()
    {
        _script.CreateProgram(
            "tar", "mkdir -p \"$4/pyresolve\"; printf '#!/bin/sh\\necho no such libc; exit 1\\n' > \"$4/pyresolve/pyresolve\"");

        _script.ShouldFail(await _script.RunAsync(), "The downloaded program does not run here: no such libc", "glibc 2.34");
        Directory.GetFiles(Path.GetDirectoryName(_script.Installed)!).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_folder_that_cannot_be_created_is_named()
    {
        await File.WriteAllTextAsync(Path.Combine(_script.Home, ".local"), "a file", Cancellation);

        _script.ShouldFail(await _script.RunAsync(), $"Cannot create {_script.Home}/.local/bin", "PYRESOLVE_INSTALL=/some/folder");
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_to_is_named() => _script.ShouldFail(
        await _script.RunAsync(folder: "/proc"), "Cannot write to /proc", "PYRESOLVE_INSTALL=/some/folder");

    [Fact]
    public async Task A_folder_in_the_place_of_the_program_is_named()
    {
        Directory.CreateDirectory(_script.Installed);

        _script.ShouldFail(await _script.RunAsync(), $"{_script.Installed} is a folder", "Move it away");
    }

    [Fact]
    public async Task Plain_http_to_another_machine_is_refused() => _script.ShouldFail(
        await _script.RunAsync(releases: "http://192.0.2.1/releases"), "The address does not begin with https", "PYRESOLVE_RELEASES");

    [Fact]
    public async Task A_copy_that_is_not_from_a_release_says_what_to_set() => _script.ShouldFail(
        await _script.RunAsync(releases: ""), "This copy of install.sh does not know where the releases are", "set PYRESOLVE_RELEASES");

    public ValueTask DisposeAsync()
    {
        _script.Dispose();
        return ValueTask.CompletedTask;
    }
}
