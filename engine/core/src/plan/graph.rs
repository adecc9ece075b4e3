//! The dependency graph of a plan's legs.

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use super::check::PlanError;
use super::document::Leg;
use crate::name::LegName;

/// Resolves `after` to indices and returns them with an order in which every leg follows its dependencies.
///
/// # Errors
/// Names the dangling reference, or every leg of one cycle.
pub(crate) fn resolve(legs: &[Leg]) -> Result<(Vec<Vec<usize>>, Vec<usize>), PlanError> {
    let mut graph = DiGraph::<(), ()>::with_capacity(legs.len(), legs.len());
    for _ in legs {
        graph.add_node(());
    }
    let mut after = Vec::with_capacity(legs.len());
    for (index, leg) in legs.iter().enumerate() {
        let mut indices = Vec::with_capacity(leg.after.len());
        for name in &leg.after {
            let target = position(legs, name).ok_or_else(|| PlanError::Dangling {
                leg: leg.name.clone(),
                field: "after",
                missing: name.clone(),
            })?;
            if indices.contains(&target) {
                return Err(PlanError::RepeatedDependency {
                    leg: leg.name.clone(),
                    repeated: name.clone(),
                });
            }
            graph.add_edge(NodeIndex::new(target), NodeIndex::new(index), ());
            indices.push(target);
        }
        after.push(indices);
    }
    match toposort(&graph, None) {
        Ok(order) => Ok((after, order.into_iter().map(NodeIndex::index).collect())),
        Err(_) => Err(PlanError::Cycle(name_cycle(legs, &graph, &after))),
    }
}

pub(crate) fn position(legs: &[Leg], name: &LegName) -> Option<usize> {
    legs.iter().position(|leg| leg.name == *name)
}

/// Follows dependencies inside one strongly connected component until a leg repeats.
fn name_cycle(legs: &[Leg], graph: &DiGraph<(), ()>, after: &[Vec<usize>]) -> String {
    let component = tarjan_scc(graph)
        .into_iter()
        .map(|nodes| nodes.into_iter().map(NodeIndex::index).collect::<Vec<_>>())
        .find(|nodes| nodes.len() > 1 || after[nodes[0]].contains(&nodes[0]))
        .unwrap_or_default();
    let Some(mut at) = component.iter().copied().min() else {
        return String::new();
    };
    let mut path = Vec::new();
    while !path.contains(&at) {
        path.push(at);
        match after[at].iter().find(|next| component.contains(next)) {
            Some(next) => at = *next,
            None => break,
        }
    }
    let start = path.iter().position(|index| *index == at).unwrap_or(0);
    let mut names: Vec<_> = path[start..].iter().map(|index| legs[*index].name.as_str()).collect();
    names.push(legs[at].name.as_str());
    names.join(" after ")
}
