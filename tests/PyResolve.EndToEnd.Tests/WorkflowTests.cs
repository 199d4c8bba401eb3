using System.Text.RegularExpressions;

namespace PyResolve.EndToEnd.Tests;

public sealed partial class WorkflowTests
{
    public static TheoryData<string> Workflows =>
        [.. Directory.GetFiles(Repository.PathOf(".github/workflows"), "*.yml")
            .Select(file => Path.GetFileName(file))
            .Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Workflows))]
    public void Every_action_is_pinned_by_a_full_commit_with_its_version_beside_it(string workflow)
    {
        var lines = Lines(workflow);
        for (var i = 0; i < lines.Length; i++)
        {
            if (Uses().IsMatch(lines[i]))
                lines[i].ShouldMatch(@"^\s*(- )?uses: [\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", $"{workflow}:{i + 1}");
        }
    }

    [Theory, MemberData(nameof(Workflows))]
    public void Every_job_gets_its_permissions_one_by_one_and_a_time_limit(string workflow)
    {
        var text = string.Join('\n', Lines(workflow));
        var jobs = text[text.IndexOf("\njobs:\n", StringComparison.Ordinal)..];

        text.ShouldContain("\npermissions: {}\n");
        text.ShouldContain("\nconcurrency:\n");
        foreach (var job in Job().Split(jobs).Skip(1))
        {
            job.ShouldContain("\n    permissions:\n");
            job.ShouldContain("\n    timeout-minutes: ");
        }
    }

    [Fact]
    public void The_action_that_sets_pyresolve_up_is_pinned_too_and_names_a_shell_for_each_script()
    {
        var text = File.ReadAllText(Repository.PathOf("deploy/action/action.yml"));

        foreach (var line in text.Split('\n').Where(line => Uses().IsMatch(line)))
            line.ShouldMatch(@"@[0-9a-f]{40} # v\d+\.\d+\.\d+$");
        foreach (var step in text.Split("\n    - name: ").Skip(1).Where(step => step.Contains("\n      run: ", StringComparison.Ordinal)))
            step.ShouldContain("\n      shell: bash\n");
    }

    [Fact]
    public void The_workflows_are_found() => Workflows.Count.ShouldBeGreaterThan(2);

    private static string[] Lines(string workflow) => File.ReadAllLines(Repository.PathOf($".github/workflows/{workflow}"));

    [GeneratedRegex(@"^\s*(- )?uses:", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Uses();

    [GeneratedRegex(@"\n  [\w-]+:\n(?=    )", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Job();
}
