using System.Reflection;

namespace PyResolve.TestKit.Tests;

/// <summary>The script <c>./test</c>, with a stand-in for the .NET SDK.</summary>
public sealed class TestScriptTests : IDisposable
{
    private static readonly string Script = typeof(TestScriptTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(static attribute => attribute.Key == "TestScript").Value!;

    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-test-script-").FullName;

    [Theory]
    [InlineData("")]
    [InlineData("env")]
    public async Task Started_in_the_background_it_gives_its_children_the_default_SIGINT(string missing)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The script needs bash.");
        CreateRepository();
        CreateProgram("dotnet", "touch started\nkill -INT $$\ntouch survived");
        if (missing.Length > 0)
            CreateProgram(missing, "exit 125");

        // As `./test &` in a shell without job control.
        await Command.RunAsync(
            "/bin/bash",
            ["-c", "trap '' INT QUIT; exec ./test"],
            new Dictionary<string, string?>
            {
                ["PATH"] = Path.Combine(_folder, "bin") + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH"),
            },
            workingDirectory: _folder,
            cancellationToken: TestContext.Current.CancellationToken);

        File.Exists(Path.Combine(_folder, "started")).ShouldBeTrue();
        File.Exists(Path.Combine(_folder, "survived")).ShouldBeFalse();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A copy of the script, with one test project to run.</summary>
    private void CreateRepository()
    {
        File.Copy(Script, Path.Combine(_folder, "test"));
        File.WriteAllText(Path.Combine(_folder, "global.json"), """{ "sdk": { "version": "10.0.100" } }""");
        var project = Directory.CreateDirectory(Path.Combine(_folder, "tests", "Some.Tests"));
        File.WriteAllText(Path.Combine(project.FullName, "Some.Tests.csproj"), "<Project />");
    }

    private void CreateProgram(string name, string script)
    {
        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "bin")).FullName, name);
        File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("The test script is bash.");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
