namespace PydanticMigrator.Models;

internal enum PyKind
{
    /// <summary>An object of the model.</summary>
    Instance,

    /// <summary>The model itself.</summary>
    Class,

    /// <summary>A list, dict, set, iterator … of the model's objects.</summary>
    Collection,
}

/// <summary>As much of a type as it takes to know a model when one is met.</summary>
internal sealed record PyType(PyKind Kind, string Model);
