namespace PyResolve.TestKit.Tests.Architecture;

public class FolderGraphTests
{
    private const string Sample = "tests/PyResolve.TestKit.Tests/Architecture/Sample";

    private static readonly FolderGraph Graph = FolderGraph.Read(typeof(FolderGraphTests).Assembly, Sample);

    [Theory]
    [InlineData("InField")]
    [InlineData("InBase")]
    [InlineData("InInterface")]
    [InlineData("InGenericArgument")]
    [InlineData("InConstraint`1")]
    [InlineData("InParameter")]
    [InlineData("InBody")]
    [InlineData("InLocal")]
    [InlineData("InLambda")]
    [InlineData("InAsyncMethod")]
    [InlineData("InIterator")]
    [InlineData("InCatch")]
    [InlineData("InNestedType")]
    [InlineData("InGenericMethod")]
    [InlineData("InTypeof")]
    [InlineData("InAttribute")]
    [InlineData("InAttributeArgument")]
    [InlineData("InDelegate")]
    [InlineData("InRecord")]
    public void A_reference_is_found_in_every_place(string type) =>
        Graph.References
            .Where(reference => reference is { FromFolder: "Upper", ToFolder: "Lower" })
            .ShouldContain(reference => reference.FromType.EndsWith($".{type}", StringComparison.Ordinal));

    [Fact]
    public void Folders_that_use_each_other_are_named_with_their_types()
    {
        Graph.FindCycles().ShouldHaveSingleItem().ShouldBe(["Lower", "Upper"]);
        var text = Graph.DescribeCycles();
        text.ShouldContain("circle: Lower, Upper");
        text.ShouldContain("Lower -> Upper:");
        text.ShouldContain("Sample.Backwards uses PyResolve.TestKit.Tests.Architecture.Sample.InField");
        text.ShouldContain("Sample.InLambda uses PyResolve.TestKit.Tests.Architecture.Sample.Target");
    }

    [Fact]
    public void A_folder_without_references_is_listed()
    {
        Graph.Folders.ShouldBe(["Alone", "Lower", "Upper", "linked"]);
        Graph.References.ShouldAllBe(reference => reference.FromFolder != "Alone" && reference.ToFolder != "Alone");
    }

    [Fact]
    public void Folders_can_count_as_one()
    {
        var graph = FolderGraph.Read(typeof(FolderGraphTests).Assembly, Sample, folder => folder == "Lower" ? "Upper" : folder);
        graph.FindCycles().ShouldBeEmpty();
        graph.DescribeCycles().ShouldBeEmpty();
    }
}
