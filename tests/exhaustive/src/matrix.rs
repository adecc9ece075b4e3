//! matrix
/// x
#[derive(Debug)]
pub struct Cell;
/// x
#[derive(Debug)]
pub struct Matrix;
/// x
#[derive(Debug)]
pub struct MatrixError;
/// x
pub fn run_matrix() {}
