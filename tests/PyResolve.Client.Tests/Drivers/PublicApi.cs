using System.Reflection;
using PublicApiGenerator;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>Compares an assembly's public API with the file that <c>AssemblyMetadata</c> of the test project names.</summary>
internal static class PublicApi
{
    private static readonly ApiGeneratorOptions Options = new()
    {
        // By default the generator leaves out the namespaces of .NET itself, in which AddPyResolveClient is.
        DenyNamespacePrefixes = [],
        IncludeAssemblyAttributes = false,
        ExcludeAttributes =
        [
            // The build for netstandard2.0 has an internal copy, which the generator does not list.
            "System.Diagnostics.CodeAnalysis.MemberNotNullWhenAttribute",
            // Its argument is a name that the compiler makes up.
            "System.Runtime.CompilerServices.AsyncIteratorStateMachineAttribute",
        ],
    };

    /// <summary>Fails unless both are the same. The message has the lines that differ, and the command that approves them.</summary>
    public static void ShouldBeApproved(Assembly assembly)
    {
        var approvedPath = typeof(PublicApi).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(item => item.Key == "PublicApi").Value!;
        var approved = File.Exists(approvedPath) ? File.ReadAllLines(approvedPath) : [];
        var actual = assembly.GeneratePublicApi(Options).ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        if (actual.SequenceEqual(approved))
            return;

        var receivedPath = Path.Combine(AppContext.BaseDirectory, "PublicApi.received.txt");
        File.WriteAllLines(receivedPath, actual);
        Assert.Fail(string.Join(
            Environment.NewLine,
            ["The public API changed:",
             .. approved.Except(actual).Select(line => "- " + line),
             .. actual.Except(approved).Select(line => "+ " + line),
             $"If that is meant: cp \"{receivedPath}\" \"{approvedPath}\""]));
    }
}
